/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-receive.c: packets on their way up, and what they make: messages, and news of the association and its streams.
 *
 * Theory of operation
 * -------------------
 * What has come waits in usrsctp's receive buffer, messages and notifications in their order, and is read after each batch of packets. What
 * is not read closes the far side's window; so who says that it wants no more is left alone by just not reading. Reading takes the
 * lock, telling does not have it: events are read some at a time, and told before more are read. One thread does both, until nothing is left;
 * another that has something to tell meanwhile leaves it to that one. So nobody is told of an end while he is told of the beginning, though an ABORTED
 * that cannot be read (urgent) does not wait for messages that are held back.
 *
 * A message is read into a buffer of ours of about the size of the last ones, since usrsctp does not say how long it is. It is handed on with the
 * buffer if it fills at least half of that, and is copied if not. usrsctp begins to give a message before it is whole once it takes
 * half of the window, so the window is twice the longest message. Who sends a longer one is in the wrong: as soon as that shows, which is before it has come
 * whole, the association is ended, and knows why.
 */
#include "plugins/transport/dc-sctp-association-private.h"

#include "plugins/transport/dc-crc32c.h"

#include <errno.h>
#include <string.h>

/* Room for a notification behind a part of a message; and where the buffer's size begins. */
#define MIN_SPACE 4096
/* Read before they are told: what this takes is outside of the window. */
#define MAX_EVENTS 64
#define MAX_EVENT_BYTES (256 * 1024)

/* --- reading --- */

void
dc_sctp_event_clear (DcSctpEvent *event)
{
  g_clear_pointer (&event->message, g_bytes_unref);
}

void
dc_sctp_set_state_locked (DcSctpAssociation *self, DcSctpState state)
{
  DcSctpEvent event = {.kind = DC_SCTP_EVENT_STATE, .state = state};

  if (self->state >= state)
    return;
  self->state = state;
  self->nothing_new = FALSE;
  g_array_append_val (self->events, event);
}

static void
up_locked (DcSctpAssociation *self, const struct sctp_assoc_change *change)
{
  GHashTableIter iter;
  gpointer stream;

  self->out_streams = change->sac_outbound_streams;
  self->in_streams = change->sac_inbound_streams;
  dc_sctp_set_state_locked (self, DC_SCTP_UP);
  dc_sctp_rtt_measure_locked (self);
  g_hash_table_iter_init (&iter, self->resetting);
  if (g_hash_table_iter_next (&iter, &stream, NULL)) {
    g_autoptr (GList) streams = g_hash_table_get_keys (self->resetting);

    for (const GList *l = streams; l != NULL; l = l->next)
      dc_sctp_reset_begin_locked (self, (guint16) GPOINTER_TO_UINT (l->data));
  }
  if (self->shutting)
    usrsctp_shutdown (self->socket, SHUT_WR);
}

static void
association_changed_locked (DcSctpAssociation *self, const struct sctp_assoc_change *change)
{
  switch (change->sac_state) {
    case SCTP_COMM_UP:
      up_locked (self, change);
      break;
    case SCTP_SHUTDOWN_COMP:
      dc_sctp_set_state_locked (self, DC_SCTP_SHUT);
      break;
    case SCTP_RESTART: /* under the same DTLS, which nobody does: what the messages before belonged to is gone */
      dc_sctp_close_locked (self);
      dc_sctp_set_state_locked (self, DC_SCTP_ABORTED);
      break;
    case SCTP_COMM_LOST:
    case SCTP_CANT_STR_ASSOC:
      dc_sctp_set_state_locked (self, DC_SCTP_ABORTED);
      break;
    default:
      break;
  }
}

static void
notified_locked (DcSctpAssociation *self, const guint8 *data, gsize size)
{
  const union sctp_notification *notification = (gconstpointer) data;

  if (size < sizeof notification->sn_header || notification->sn_header.sn_length > size)
    return;
  switch (notification->sn_header.sn_type) {
    case SCTP_ASSOC_CHANGE:
      if (size >= sizeof notification->sn_assoc_change)
        association_changed_locked (self, &notification->sn_assoc_change);
      break;
    case SCTP_STREAM_RESET_EVENT:
      if (size >= sizeof notification->sn_strreset_event)
        dc_sctp_reset_notified_locked (self, &notification->sn_strreset_event);
      break;
    case SCTP_PARTIAL_DELIVERY_EVENT: /* the rest of a message will not come */
      self->filled = 0;
      break;
    default:
      break;
  }
}

/* The buffer's message, which becomes the caller's. */
static GBytes *
take_message (DcSctpAssociation *self)
{
  gsize size = self->filled;
  guint8 *buffer = self->buffer;

  self->filled = 0;
  if (size < self->buffer_size / 2)
    return g_bytes_new (buffer, size);
  self->buffer = NULL;
  self->buffer_size = size + MIN_SPACE;
  return g_bytes_new_take (g_realloc (buffer, size), size);
}

static gsize
message_read_locked (DcSctpAssociation *self, const struct sctp_rcvinfo *info)
{
  DcSctpEvent event = {
      .kind = DC_SCTP_EVENT_MESSAGE,
      .stream = info->rcv_sid,
      .ppid = g_ntohl (info->rcv_ppid),
      .unordered = (info->rcv_flags & SCTP_UNORDERED) != 0,
      .message = take_message (self),
  };
  gsize size = g_bytes_get_size (event.message);

  dc_sctp_reset_note_use_locked (self, info->rcv_sid);
  self->stats.messages_received++;
  self->stats.bytes_received += size;
  g_array_append_val (self->events, event);
  return size;
}

static void
make_space (DcSctpAssociation *self)
{
  const gsize most = (gsize) self->settings.max_message_size + MIN_SPACE;

  while (self->buffer_size - self->filled < MIN_SPACE) {
    self->buffer_size = CLAMP (self->buffer_size * 2, MIN_SPACE, most);
    self->buffer = g_realloc (self->buffer, self->buffer_size);
  }
  if (self->buffer == NULL)
    self->buffer = g_malloc (self->buffer_size);
}

static void
refuse_locked (DcSctpAssociation *self)
{
  self->got_too_long = TRUE;
  self->filled = 0;
  dc_sctp_close_locked (self);
  dc_sctp_set_state_locked (self, DC_SCTP_ABORTED);
}

/* Returns: whether there may be more; in @bytes, how much was read. */
static gboolean
read_one_locked (DcSctpAssociation *self, gsize *bytes)
{
  struct sctp_rcvinfo info = {0};
  socklen_t info_size = sizeof info;
  guint info_type = 0;
  int flags = 0;
  ssize_t n;

  make_space (self);
  n = usrsctp_recvv (self->socket, self->buffer + self->filled, self->buffer_size - self->filled, NULL, NULL, &info,
      &info_size, &info_type, &flags);
  if (n <= 0) {
    self->n_notifications = 0;
    return FALSE;
  }
  if (flags & MSG_NOTIFICATION) {
    notified_locked (self, self->buffer + self->filled, (gsize) n);
    return TRUE;
  }
  self->filled += (gsize) n;
  if (self->filled > self->settings.max_message_size) {
    refuse_locked (self);
    return FALSE;
  }
  if (flags & MSG_EOR)
    *bytes += message_read_locked (self, &info);
  return TRUE;
}

static void
read_locked (DcSctpAssociation *self)
{
  gsize bytes = 0;

  while (self->socket != NULL && self->events->len < MAX_EVENTS && bytes < MAX_EVENT_BYTES
         && read_one_locked (self, &bytes))
    ;
}

/* --- telling --- */

static void
check_lost_locked (DcSctpAssociation *self)
{
  if (self->state > DC_SCTP_UP || self->socket == NULL || (usrsctp_get_events (self->socket) & SCTP_EVENT_ERROR) == 0)
    return;
  self->state = DC_SCTP_ABORTED;
  self->urgent = TRUE;
}

/* Returns: whether there is something to tell. */
static gboolean
prepare_locked (DcSctpAssociation *self)
{
  GArray *told = self->telling;

  if (self->paused)
    check_lost_locked (self);
  if (self->gone || self->paused || self->urgent)
    return self->urgent && !self->gone;
  if (self->n_told < told->len)
    return TRUE;
  read_locked (self);
  g_array_set_size (told, 0);
  self->n_told = 0;
  self->telling = self->events;
  self->events = told;
  return self->telling->len > 0;
}

/* Returns: whether more is wanted. */
static gboolean
tell_message (DcSctpAssociation *self, DcSctpEvent *event)
{
  gint generation = g_atomic_int_get (&self->resume_generation);
  gboolean paused;

  if (self->callbacks.message (
          event->stream, event->ppid, event->unordered, g_steal_pointer (&event->message), self->user_data))
    return TRUE;
  g_mutex_lock (&self->lock);
  paused = self->paused = g_atomic_int_get (&self->resume_generation) == generation;
  g_mutex_unlock (&self->lock);
  return !paused;
}

static void
tell_prepared (DcSctpAssociation *self)
{
  gboolean more = TRUE;

  while (more && self->n_told < self->telling->len) {
    DcSctpEvent *event = &g_array_index (self->telling, DcSctpEvent, self->n_told++);

    switch (event->kind) {
      case DC_SCTP_EVENT_MESSAGE:
        more = tell_message (self, event);
        break;
      case DC_SCTP_EVENT_RESET:
        self->callbacks.reset (event->stream, self->user_data);
        break;
      case DC_SCTP_EVENT_WAS_RESET:
        self->callbacks.was_reset (event->stream, self->user_data);
        break;
      case DC_SCTP_EVENT_STATE:
        self->callbacks.state (event->state, self->user_data);
        break;
    }
  }
}

/* Lets go of the lock meanwhile. */
static void
tell_locked (DcSctpAssociation *self)
{
  gboolean urgent = self->urgent;

  self->urgent = FALSE;
  dc_sctp_leave (self);
  if (urgent)
    self->callbacks.state (DC_SCTP_ABORTED, self->user_data);
  else
    tell_prepared (self);
  dc_sctp_enter (self);
}

void
dc_sctp_deliver_and_leave (DcSctpAssociation *self)
{
  if (!self->delivering && !self->gone) {
    self->delivering = TRUE;
    self->teller = g_thread_self ();
    while (prepare_locked (self)) {
      tell_locked (self);
      dc_sctp_uncork_locked (self);
    }
    self->teller = NULL;
    self->delivering = FALSE;
  }
  dc_sctp_leave (self);
}

void
dc_sctp_association_resume (DcSctpAssociation *self)
{
  dc_sctp_enter (self);
  g_atomic_int_inc (&self->resume_generation);
  self->paused = FALSE;
  dc_sctp_deliver_and_leave (self);
}

/* --- packets --- */

static void
give_locked (DcSctpAssociation *self, const DcPacket *packet)
{
  guint8 mended[DC_SCTP_MENDED_MAX];
  gsize size;

  if (!dc_sctp_guard_locked (self, packet->data, packet->size))
    return;
  size = dc_sctp_mend (packet->data, packet->size, mended);
  if (size > 0)
    usrsctp_conninput ((gpointer) self->address, mended, size, 0);
  else
    usrsctp_conninput ((gpointer) self->address, packet->data, packet->size, 0);
}

static void
input_some (DcSctpAssociation *self, const DcPacket *packets, guint n)
{
  gboolean good[DC_PACKETS_MAX];

  for (guint i = 0; i < n; i++)
    good[i] = packets[i].size <= G_MAXUINT16 && dc_crc32c_check (packets[i].data, packets[i].size);

  dc_sctp_enter (self);
  for (guint i = 0; i < n; i++) {
    if (!good[i]) {
      self->stats.packets_bad += packets[i].size > 0;
    } else if (self->state != DC_SCTP_NEW) {
      dc_sctp_note_tag_locked (self, packets[i].data);
      give_locked (self, &packets[i]);
    }
    self->stats.packets_received++;
  }
  self->nothing_new = FALSE;
  dc_sctp_window_note_locked (self, n);
  dc_sctp_pace_note_locked (self, n);
  dc_sctp_deliver_and_leave (self);
}

void
dc_sctp_association_input (DcSctpAssociation *self, const DcPacket *packets, guint n)
{
  for (guint done = 0; done < n; done += DC_PACKETS_MAX)
    input_some (self, packets + done, MIN (n - done, DC_PACKETS_MAX));
}
