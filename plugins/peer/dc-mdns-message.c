/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-mdns-message.c: the messages of multicast DNS that find the address behind a name.
 *
 * A query has one question, without the bit that asks for an answer by unicast: Chromium's responder reads no others, and who asks from another
 * port than 5353 gets that anyway from whom can (RFC 6762, section 6.7). Answers are read wherever the record stands: Chromium puts the
 * address that there is beside the denial of the one that was asked for. */
#include "plugins/peer/dc-mdns-message.h"

#include <string.h>

#define MAX_NAME_SIZE 255u
#define MAX_LABEL_SIZE 63u
/* Pointers to pointers mean nothing: no name that is meant has more than labels. */
#define MAX_JUMPS 127u
#define MASK_POINTER 0x3fffu

#define FLAG_RESPONSE 0x8000u
#define MASK_OPCODE 0x7800u
#define MASK_RCODE 0x000fu
#define CLASS_IN 1u
/* "This is all there is of it", for caches (RFC 6762, section 10.2). */
#define CLASS_FLUSH 0x8000u

/* As in a message, but never with a pointer. */
typedef struct {
  guint8 bytes[MAX_NAME_SIZE];
  gsize size;
} Name;

/* --- Queries ----------------------------------------------------------------------------------------------------------------------- */

static gboolean
name_add (Name *name, const char *label, gsize length)
{
  if (length > MAX_LABEL_SIZE || name->size + 1 + length > MAX_NAME_SIZE)
    return FALSE;
  name->bytes[name->size] = (guint8) length;
  memcpy (name->bytes + name->size + 1, label, length);
  name->size += 1 + length;
  return TRUE;
}

static gboolean
name_from_text (Name *name, const char *text)
{
  g_auto (GStrv) labels = g_strsplit (text, ".", -1);
  guint n = g_strv_length (labels);

  name->size = 0;
  /* The dot at the end of a name that is meant to be whole. */
  if (n > 0 && *labels[n - 1] == '\0')
    n--;
  if (n < 2 || g_ascii_strcasecmp (labels[n - 1], "local") != 0)
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (*labels[i] == '\0' || !name_add (name, labels[i], strlen (labels[i])))
      return FALSE;
  return name_add (name, "", 0);
}

static void
append_16 (GByteArray *message, guint value)
{
  guint16 bytes = g_htons ((guint16) value);

  g_byte_array_append (message, (const guint8 *) &bytes, sizeof bytes);
}

GBytes *
dc_mdns_make_query (const char *name, DcMdnsType type)
{
  static const guint header[] = {0, 0, 1, 0, 0, 0};
  GByteArray *message;
  Name wire;

  if (!name_from_text (&wire, name))
    return NULL;
  message = g_byte_array_new ();
  for (gsize i = 0; i < G_N_ELEMENTS (header); i++)
    append_16 (message, header[i]);
  g_byte_array_append (message, wire.bytes, (guint) wire.size);
  append_16 (message, type);
  append_16 (message, CLASS_IN);
  return g_byte_array_free_to_bytes (message);
}

/* --- Answers ----------------------------------------------------------------------------------------------------------------------- */

/* What is still to be read of a message. */
typedef struct {
  const guint8 *message;
  gsize size, position;
} Reader;

/* The next @size bytes; NULL: they are not all there. */
static const guint8 *
read_bytes (Reader *reader, gsize size)
{
  const guint8 *bytes;

  if (size > reader->size - reader->position)
    return NULL;
  bytes = reader->message + reader->position;
  reader->position += size;
  return bytes;
}

static gboolean
read_16 (Reader *reader, guint *value)
{
  const guint8 *bytes = read_bytes (reader, 2);

  *value = bytes != NULL ? (guint) (bytes[0] << 8 | bytes[1]) : 0;
  return bytes != NULL;
}

/* The next label of @name, of which the last has no @length. FALSE: there is none, or the name gets too long. */
static gboolean
read_label (Reader *reader, Name *name, guint *length)
{
  const guint8 *byte = read_bytes (reader, 1);
  const guint8 *label = byte != NULL ? read_bytes (reader, *byte) : NULL;

  *length = byte != NULL ? *byte : 0;
  return label != NULL && name_add (name, (const char *) label, *length);
}

static gboolean
is_pointer (const Reader *reader)
{
  return reader->position < reader->size && reader->message[reader->position] >= 0xc0;
}

/* A pointer leads to before the piece of the name that it ends. */
static gboolean
read_name (Reader *reader, Name *name)
{
  Reader piece = *reader;
  gsize begin = reader->position;
  guint jumps = 0, length = 1, pointer;

  name->size = 0;
  while (length > 0) {
    if (!is_pointer (&piece)) {
      if (!read_label (&piece, name, &length))
        return FALSE;
      continue;
    }
    if (!read_16 (&piece, &pointer) || (pointer & MASK_POINTER) >= begin || ++jumps > MAX_JUMPS)
      return FALSE;
    if (jumps == 1)
      reader->position = piece.position;
    begin = piece.position = pointer & MASK_POINTER;
  }
  if (jumps == 0)
    reader->position = piece.position;
  return TRUE;
}

/* The bytes of lengths are no letters. */
static gboolean
is_same (const Name *a, const Name *b)
{
  if (a->size != b->size)
    return FALSE;
  for (gsize i = 0; i < a->size; i++)
    if (g_ascii_tolower ((gchar) a->bytes[i]) != g_ascii_tolower ((gchar) b->bytes[i]))
      return FALSE;
  return TRUE;
}

static gboolean
skip_questions (Reader *reader, guint n)
{
  Name name;

  for (guint i = 0; i < n; i++)
    if (!read_name (reader, &name) || read_bytes (reader, 4) == NULL)
      return FALSE;
  return TRUE;
}

typedef struct {
  Name name;
  guint type, class;
  gboolean alive; /* or else it says goodbye: its TTL is 0 */
  guint size;
  const guint8 *data;
} Record;

static gboolean
read_record (Reader *reader, Record *record)
{
  static const guint8 goodbye[4];
  const guint8 *ttl;

  if (!read_name (reader, &record->name) || !read_16 (reader, &record->type) || !read_16 (reader, &record->class)
      || (ttl = read_bytes (reader, sizeof goodbye)) == NULL || !read_16 (reader, &record->size))
    return FALSE;
  record->alive = memcmp (ttl, goodbye, sizeof goodbye) != 0;
  record->data = read_bytes (reader, record->size);
  return record->data != NULL;
}

/* (transfer full) (nullable) */
static GInetAddress *
get_address (const Record *record)
{
  gboolean is_4 = record->type == DC_MDNS_A && record->size == 4;
  gboolean is_6 = record->type == DC_MDNS_AAAA && record->size == 16;
  g_autoptr (GInetAddress) address = NULL;

  if (!record->alive || (record->class & ~CLASS_FLUSH) != CLASS_IN || (!is_4 && !is_6))
    return NULL;
  address = g_inet_address_new_from_bytes (record->data, is_4 ? G_SOCKET_FAMILY_IPV4 : G_SOCKET_FAMILY_IPV6);
  if (g_inet_address_get_is_any (address) || g_inet_address_get_is_multicast (address))
    return NULL;
  return g_steal_pointer (&address);
}

/* Those of @n records that are addresses of @name. FALSE: the message breaks off. */
static gboolean
read_records (Reader *reader, guint n, const Name *name, GPtrArray *addresses)
{
  Record record;

  for (guint i = 0; i < n; i++) {
    GInetAddress *address;
    if (!read_record (reader, &record))
      return FALSE;
    address = is_same (&record.name, name) ? get_address (&record) : NULL;
    if (address != NULL)
      g_ptr_array_add (addresses, address);
  }
  return TRUE;
}

static GList *
to_list (GPtrArray *addresses)
{
  GList *list = NULL;

  for (guint i = MIN (addresses->len, DC_MDNS_MAX_ADDRESSES); i > 0; i--)
    list = g_list_prepend (list, g_object_ref (g_ptr_array_index (addresses, i - 1)));
  return list;
}

GList *
dc_mdns_read_answer (const guint8 *message, gsize size, const char *name)
{
  Reader reader = {message, size, 0};
  g_autoptr (GPtrArray) addresses = g_ptr_array_new_with_free_func (g_object_unref);
  guint id, flags, questions, counts[3];
  Name wanted;

  if (!name_from_text (&wanted, name) || !read_16 (&reader, &id) || !read_16 (&reader, &flags)
      || !read_16 (&reader, &questions))
    return NULL;
  if (!(flags & FLAG_RESPONSE) || (flags & (MASK_OPCODE | MASK_RCODE)) != 0)
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    if (!read_16 (&reader, &counts[i]))
      return NULL;
  if (!skip_questions (&reader, questions))
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    if (!read_records (&reader, counts[i], &wanted, addresses))
      return NULL;
  return to_list (addresses);
}
