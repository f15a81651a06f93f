/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-sctp-shared.c: the association that a sctpenc and a sctpdec have in common.
 *
 * Theory of operation
 * -------------------
 * The two elements of one association know of each other by a number alone, which webrtcbin draws at random, of 65535: two connections of one process
 * may well have the same. So who waits for a partner is in a table, and is no longer once it has one: a third element of that number begins
 * another association. Where two of one number wait at once, the bin that they are in tells them apart; and what is in another pipeline is of another connection.
 *
 * An association begins when both are ready and know their ports, and is over when the first of them leaves; who comes back begins another one.
 * It lives as long as this, so that whoever has a reference may call it. Callbacks are passed on to the elements, which are
 * kept for as long as each takes. The last reference may go within a callback, after which the association might go on to call back: then another
 * thread lets go of it.
 */
#include "plugins/transport/gst-sctp-shared.h"

#include "plugins/transport/dc-ppid.h"

struct _GstDcSctpShared {
  gatomicrefcount references;
  guint id;
  DcSctpLanes *lanes; /* (nullable): atomic; once begun */

  GMutex lock; /* of what follows */
  GstElement *elements[GST_DC_SCTP_ROLES];
  DcSctpCallbacks callbacks[GST_DC_SCTP_ROLES];
  guint ports[GST_DC_SCTP_ROLES];
  guint max_message_size; /* 0: as ever */
  gboolean ready[GST_DC_SCTP_ROLES];
  gboolean beginning;
  gboolean over;
  GCond told;
  guint telling; /* states, under way */
};

/* Who is told a state may go on to tell a webrtcbin, which must not be gone by then; but might wait for a lock that is held by who leaves. */
#define TELL_LIMIT (2 * G_TIME_SPAN_SECOND)

/* Those of which one element is missing. */
static GMutex table_lock;
static GQueue table = G_QUEUE_INIT;

/* Of this thread: so many associations call it back. */
static _Thread_local guint inside;

/* --- callbacks --- */

/* An element, for as long as it is called. */
typedef struct {
  GstElement *element; /* (nullable): it has left */
  DcSctpCallbacks callbacks;
} Call;

/* What leaves does so to the end, but nothing is given any more. */
static Call
call_begin (GstDcSctpShared *self, GstDcSctpRole role)
{
  Call call;

  inside++;
  g_mutex_lock (&self->lock);
  call.element = role == GST_DC_SCTP_ROLE_DEC && self->over ? NULL : self->elements[role];
  if (call.element != NULL)
    gst_object_ref (call.element);
  call.callbacks = self->callbacks[role];
  g_mutex_unlock (&self->lock);
  return call;
}

static void
call_end (Call *call)
{
  inside--;
  gst_clear_object (&call->element);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Call, call_end)

static void
output_cb (DcPacket *packets, guint n, gpointer user_data)
{
  g_auto (Call) call = call_begin (user_data, GST_DC_SCTP_ROLE_ENC);

  if (call.element != NULL)
    call.callbacks.output (packets, n, call.element);
}

static gboolean
message_cb (guint16 stream, guint32 ppid, gboolean unordered, GBytes *message, gpointer user_data)
{
  g_auto (Call) call = call_begin (user_data, GST_DC_SCTP_ROLE_DEC);

  if (call.element != NULL)
    return call.callbacks.message (stream, ppid, unordered, message, call.element);
  g_bytes_unref (message);
  return TRUE;
}

static void
reset_cb (guint16 stream, gpointer user_data)
{
  g_auto (Call) call = call_begin (user_data, GST_DC_SCTP_ROLE_DEC);

  if (call.element != NULL)
    call.callbacks.reset (stream, call.element);
}

static void
was_reset_cb (guint16 stream, gpointer user_data)
{
  g_auto (Call) call = call_begin (user_data, GST_DC_SCTP_ROLE_ENC);

  if (call.element != NULL)
    call.callbacks.was_reset (stream, call.element);
}

static void
writable_cb (gpointer user_data)
{
  g_auto (Call) call = call_begin (user_data, GST_DC_SCTP_ROLE_ENC);

  if (call.element != NULL)
    call.callbacks.writable (call.element);
}

static void
spread_cb (guint lanes, gpointer user_data)
{
  g_auto (Call) call = call_begin (user_data, GST_DC_SCTP_ROLE_ENC);

  if (call.element != NULL)
    call.callbacks.spread (lanes, call.element);
}

/* FALSE: it is over, and the last word is not for the association. */
static gboolean
begin_telling (GstDcSctpShared *self, gboolean is_last)
{
  gboolean told;

  g_mutex_lock (&self->lock);
  told = is_last || !self->over;
  self->telling += told;
  g_mutex_unlock (&self->lock);
  return told;
}

static void
tell_state (GstDcSctpShared *self, GstDcSctpRole role, DcSctpState state, gboolean is_last)
{
  Call call;

  if (!begin_telling (self, is_last))
    return;
  call = call_begin (self, role);
  if (call.element != NULL)
    call.callbacks.state (state, call.element);
  call_end (&call);
  g_mutex_lock (&self->lock);
  self->telling--;
  g_cond_broadcast (&self->told);
  g_mutex_unlock (&self->lock);
}

static void
wait_told_locked (GstDcSctpShared *self, gint64 limit)
{
  while (self->telling > 0 && inside == 0 && g_cond_wait_until (&self->told, &self->lock, limit))
    continue;
}

/* What we ended ourselves is told by who leaves. */
static void
state_cb (DcSctpState state, gpointer user_data)
{
  GstDcSctpShared *self = user_data;

  /* Streams end before the association does. */
  tell_state (self, GST_DC_SCTP_ROLE_DEC, state, FALSE);
  tell_state (self, GST_DC_SCTP_ROLE_ENC, state, FALSE);
}

/* --- beginning and end --- */

static DcSctpLanes *
make_association (GstDcSctpShared *self, GstElement *enc)
{
  static const DcSctpCallbacks callbacks = {
      output_cb, message_cb, reset_cb, was_reset_cb, state_cb, writable_cb, spread_cb};
  DcSctpLanes *lanes;
  DcSctpSettings settings;
  g_autoptr (GError) error = NULL;

  dc_sctp_settings_init (&settings);
  settings.local_port = (guint16) self->ports[GST_DC_SCTP_ROLE_DEC];
  settings.remote_port = (guint16) self->ports[GST_DC_SCTP_ROLE_ENC];
  if (self->max_message_size > 0)
    settings.max_message_size = self->max_message_size;
  lanes = dc_sctp_lanes_new (&settings, &callbacks, self, &error);
  if (lanes == NULL)
    GST_ELEMENT_ERROR (
        enc, RESOURCE, OPEN_READ_WRITE, ("There can be no SCTP association: %s", error->message), (NULL));
  return lanes;
}

static GstDcSctpRole
other_role (GstDcSctpRole role)
{
  return role == GST_DC_SCTP_ROLE_ENC ? GST_DC_SCTP_ROLE_DEC : GST_DC_SCTP_ROLE_ENC;
}

/* FALSE: somebody has left meanwhile. */
static gboolean
publish (GstDcSctpShared *self, DcSctpLanes *lanes)
{
  gboolean over;

  g_mutex_lock (&self->lock);
  over = self->over;
  if (!over)
    g_atomic_pointer_set (&self->lanes, lanes);
  g_mutex_unlock (&self->lock);
  return !over;
}

static void
begin_if_ready (GstDcSctpShared *self)
{
  g_autoptr (GstElement) enc = NULL;
  DcSctpLanes *lanes;

  g_mutex_lock (&self->lock);
  if (!self->beginning && !self->over && self->ready[GST_DC_SCTP_ROLE_ENC] && self->ready[GST_DC_SCTP_ROLE_DEC]
      && self->ports[GST_DC_SCTP_ROLE_ENC] != 0 && self->ports[GST_DC_SCTP_ROLE_DEC] != 0) {
    self->beginning = TRUE;
    enc = gst_object_ref (self->elements[GST_DC_SCTP_ROLE_ENC]);
  }
  g_mutex_unlock (&self->lock);
  lanes = enc != NULL ? make_association (self, enc) : NULL;
  if (lanes == NULL)
    return;
  if (publish (self, lanes))
    dc_sctp_association_connect (dc_sctp_lanes_get_main (lanes));
  else
    dc_sctp_lanes_free (lanes);
}

static GstObject *
get_waiting (GstDcSctpShared *self)
{
  return GST_OBJECT (
      self->elements[self->elements[GST_DC_SCTP_ROLE_ENC] != NULL ? GST_DC_SCTP_ROLE_ENC : GST_DC_SCTP_ROLE_DEC]);
}

static gboolean
is_sibling (GstDcSctpShared *self, GstElement *element)
{
  g_autoptr (GstObject) parent = gst_object_get_parent (GST_OBJECT (element));

  return parent != NULL && gst_object_has_as_parent (get_waiting (self), parent);
}

/* Of elements that are in nothing each is its own. (transfer full) */
static GstObject *
dup_outermost (GstObject *object)
{
  GstObject *outermost = gst_object_ref (object);

  for (GstObject *parent; (parent = gst_object_get_parent (outermost)) != NULL; outermost = parent)
    gst_object_unref (outermost);
  return outermost;
}

/* What is in no pipeline may belong to anything. */
static gboolean
may_be_together (GstDcSctpShared *self, GstElement *element)
{
  g_autoptr (GstObject) ours = dup_outermost (GST_OBJECT (element)), theirs = dup_outermost (get_waiting (self));

  return ours == theirs || !GST_IS_PIPELINE (ours) || !GST_IS_PIPELINE (theirs);
}

/* (nullable) (transfer none) */
static GList *
find_partner_locked (GstElement *element, GstDcSctpRole role, guint id)
{
  GList *any = NULL;

  for (GList *l = table.head; l != NULL; l = l->next) {
    GstDcSctpShared *shared = l->data;

    if (shared->id != id || shared->elements[role] != NULL)
      continue;
    if (is_sibling (shared, element))
      return l;
    if (any == NULL && may_be_together (shared, element))
      any = l;
  }
  return any;
}

static GstDcSctpShared *
shared_new (guint id)
{
  GstDcSctpShared *self = g_new0 (GstDcSctpShared, 1);

  g_atomic_ref_count_init (&self->references);
  self->id = id;
  g_mutex_init (&self->lock);
  g_cond_init (&self->told);
  return self;
}

GstDcSctpShared *
gst_dc_sctp_shared_join (
    GstElement *element, GstDcSctpRole role, guint id, guint port, const DcSctpCallbacks *callbacks)
{
  GstDcSctpShared *self;
  GList *partner;

  g_mutex_lock (&table_lock);
  partner = find_partner_locked (element, role, id);
  self = partner != NULL ? gst_dc_sctp_shared_ref (partner->data) : shared_new (id);
  if (partner != NULL)
    g_queue_delete_link (&table, partner);
  else
    g_queue_push_tail (&table, self);
  g_mutex_lock (&self->lock);
  self->elements[role] = gst_object_ref (element);
  self->callbacks[role] = *callbacks;
  self->ports[role] = port;
  g_mutex_unlock (&self->lock);
  g_mutex_unlock (&table_lock);
  return self;
}

void
gst_dc_sctp_shared_set_max_message_size (GstDcSctpShared *self, guint bytes)
{
  g_mutex_lock (&self->lock);
  self->max_message_size = bytes;
  g_mutex_unlock (&self->lock);
}

void
gst_dc_sctp_shared_begin (GstDcSctpShared *self, GstDcSctpRole role)
{
  g_mutex_lock (&self->lock);
  self->ready[role] = TRUE;
  g_mutex_unlock (&self->lock);
  begin_if_ready (self);
}

void
gst_dc_sctp_shared_set_port (GstDcSctpShared *self, GstDcSctpRole role, guint port)
{
  g_mutex_lock (&self->lock);
  if (!self->beginning)
    self->ports[role] = port;
  g_mutex_unlock (&self->lock);
  begin_if_ready (self);
}

/* Who is left alone before there was an association waits again. Returns: whether @role is out. */
static gboolean
leave_early (GstDcSctpShared *self, GstDcSctpRole role)
{
  g_autoptr (GstElement) element = NULL;

  g_mutex_lock (&table_lock);
  g_mutex_lock (&self->lock);
  if (!self->beginning) {
    element = g_steal_pointer (&self->elements[role]);
    self->ready[role] = FALSE;
    g_queue_remove (&table, self);
    if (self->elements[other_role (role)] != NULL)
      g_queue_push_tail (&table, self);
  }
  g_mutex_unlock (&self->lock);
  g_mutex_unlock (&table_lock);
  return element != NULL;
}

void
gst_dc_sctp_shared_leave (GstDcSctpShared *self, GstDcSctpRole role)
{
  gint64 limit = g_get_monotonic_time () + TELL_LIMIT;
  DcSctpLanes *lanes;
  GstElement *element;
  gboolean first;

  if (leave_early (self, role))
    return;
  g_mutex_lock (&self->lock);
  first = !self->over;
  self->over = TRUE;
  g_mutex_unlock (&self->lock);
  lanes = gst_dc_sctp_shared_get_lanes (self);
  if (first && lanes != NULL)
    dc_sctp_lanes_abort (lanes);

  g_mutex_lock (&self->lock);
  wait_told_locked (self, limit);
  g_mutex_unlock (&self->lock);
  if (first && lanes != NULL && role == GST_DC_SCTP_ROLE_DEC)
    tell_state (self, GST_DC_SCTP_ROLE_ENC, DC_SCTP_SHUT, TRUE);

  g_mutex_lock (&self->lock);
  element = g_steal_pointer (&self->elements[role]);
  wait_told_locked (self, limit);
  g_mutex_unlock (&self->lock);
  gst_clear_object (&element);
}

DcSctpLanes *
gst_dc_sctp_shared_get_lanes (GstDcSctpShared *self)
{
  return g_atomic_pointer_get (&self->lanes);
}

DcSctpAssociation *
gst_dc_sctp_shared_get_association (GstDcSctpShared *self)
{
  DcSctpLanes *lanes = gst_dc_sctp_shared_get_lanes (self);

  return lanes != NULL ? dc_sctp_lanes_get_main (lanes) : NULL;
}

/* --- references --- */

GstDcSctpShared *
gst_dc_sctp_shared_ref (GstDcSctpShared *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

GstDcSctpShared *
gst_dc_sctp_shared_dup (GstDcSctpShared *const *of, GMutex *lock)
{
  GstDcSctpShared *self;

  g_mutex_lock (lock);
  self = *of != NULL ? gst_dc_sctp_shared_ref (*of) : NULL;
  g_mutex_unlock (lock);
  return self;
}

static gpointer
shared_free (gpointer data)
{
  GstDcSctpShared *self = data;

  g_clear_pointer (&self->lanes, dc_sctp_lanes_free);
  g_cond_clear (&self->told);
  g_mutex_clear (&self->lock);
  g_free (self);
  return NULL;
}

void
gst_dc_sctp_shared_unref (GstDcSctpShared *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  if (inside > 0)
    g_thread_unref (g_thread_new ("dc-sctp-free", shared_free, self));
  else
    shared_free (self);
}

/* --- webrtcbin --- */

gboolean
gst_dc_sctp_is_in_webrtcbin (GstElement *element)
{
  g_autoptr (GstObject) parent = gst_object_get_parent (GST_OBJECT (element));

  return parent != NULL && g_str_equal (G_OBJECT_TYPE_NAME (parent), "GstWebRTCBin");
}

guint32
gst_dc_sctp_turn_ppid (gboolean in_webrtcbin, guint32 ppid)
{
  if (in_webrtcbin && dc_ppid_is_empty (ppid))
    return DC_PPID_STRING_EMPTY + DC_PPID_BINARY_EMPTY - ppid;
  return ppid;
}
