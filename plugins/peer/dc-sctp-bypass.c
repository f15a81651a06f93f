/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-bypass.c: messages that go straight between SCTP and the channels of a connection, past webrtcbin.
 *
 * Theory of operation
 * -------------------
 * webrtcbin makes channels, and opens and closes them by messages of DCEP and by resets of streams; all that stays its own. But each message costs it some
 * hand-overs from thread to thread. So once a channel is open, messages go past it, where SCTP's elements are ours:
 *
 *     far side --> sctpdec's hook --> who has the stream       on the thread that has brought the packet
 *     who has the stream --> sctpenc --> far side              on the caller's
 *
 * Going over loses, doubles and turns round nothing:
 *
 *  - Receiving: what has come before somebody had the stream is on its way through webrtcbin. It is counted going in and coming out; until the last has
 *    come out, what follows is held up (and with it all that comes on this association; it is a matter of milliseconds, once). DCEP goes to webrtcbin
 *    always, and so do streams that nobody has.
 *  - Sending: nothing is sent before SCTP has been given the message of DCEP that opens the channel, or answers to that: webrtcbin calls the channel open
 *    while it still waits in a queue. Everything else on the stream is ours.
 *  - A stream that the far side has closed is nobody's; sctpdec shows nothing of the next channel there before that is known here.
 *
 * Who has no room says so, and SCTP is not read until there is: its window closes, acknowledgements and all else of SCTP go on.
 */
#include "plugins/peer/dc-sctp-bypass.h"

#include "plugins/transport/dc-ppid.h"

typedef struct {
  DcSctpBypassUser user;
  gpointer user_data; /* (nullable): nobody has it */
  guint in_transit;   /* messages inside of webrtcbin */
  gboolean announced;
  gboolean held; /* one is held up until those have come out */
  gboolean wants_room;
} Stream;

struct _DcSctpBypass {
  GMutex lock; /* the innermost: nothing is called with it */
  GstDcSctpEnc *enc;
  GstDcSctpDec *dec;
  GHashTable *streams; /* (element-type guint16 Stream) */
  guint n_users;
  gboolean draining;
};

DcSctpBypass *
dc_sctp_bypass_new (void)
{
  DcSctpBypass *self = g_atomic_rc_box_new0 (DcSctpBypass);

  g_mutex_init (&self->lock);
  self->streams = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  return self;
}

DcSctpBypass *
dc_sctp_bypass_ref (DcSctpBypass *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
clear (gpointer data)
{
  DcSctpBypass *self = data;

  g_clear_object (&self->enc);
  g_clear_object (&self->dec);
  g_hash_table_unref (self->streams);
  g_mutex_clear (&self->lock);
}

void
dc_sctp_bypass_unref (DcSctpBypass *self)
{
  g_atomic_rc_box_release_full (self, clear);
}

static Stream *
get_stream_locked (DcSctpBypass *self, guint16 number)
{
  Stream *stream = g_hash_table_lookup (self->streams, GUINT_TO_POINTER (number));

  if (stream == NULL) {
    stream = g_new0 (Stream, 1);
    g_hash_table_insert (self->streams, GUINT_TO_POINTER (number), stream);
  }
  return stream;
}

/* --- The elements ----------------------------------------------------------------------------------------------------------------- */

void
dc_sctp_bypass_set_enc (DcSctpBypass *self, GstDcSctpEnc *enc)
{
  g_mutex_lock (&self->lock);
  g_set_object (&self->enc, enc);
  g_mutex_unlock (&self->lock);
}

void
dc_sctp_bypass_set_dec (DcSctpBypass *self, GstDcSctpDec *dec)
{
  g_mutex_lock (&self->lock);
  g_set_object (&self->dec, dec);
  g_mutex_unlock (&self->lock);
}

void
dc_sctp_bypass_stop (DcSctpBypass *self)
{
  g_autoptr (GstDcSctpEnc) enc = NULL;
  g_autoptr (GstDcSctpDec) dec = NULL;

  g_mutex_lock (&self->lock);
  enc = g_steal_pointer (&self->enc);
  dec = g_steal_pointer (&self->dec);
  g_mutex_unlock (&self->lock);
}

static void
resume_element (GstElement *element, gpointer user_data)
{
  gst_dc_sctpdec_resume (GST_DC_SCTP_DEC (element));
}

/* What was held up is given by whoever resumes: a thread of GStreamer's, since who has made room may hold locks, and has other things to do. */
void
dc_sctp_bypass_resume (DcSctpBypass *self)
{
  g_autoptr (GstDcSctpDec) dec = NULL;

  g_mutex_lock (&self->lock);
  dec = self->dec != NULL ? g_object_ref (self->dec) : NULL;
  g_mutex_unlock (&self->lock);
  if (dec != NULL)
    gst_element_call_async (GST_ELEMENT (dec), resume_element, NULL, NULL);
}

/* --- Receiving -------------------------------------------------------------------------------------------------------------------- */

/* What webrtcbin takes for one. */
static gboolean
is_message (guint32 ppid)
{
  return dc_ppid_is_message (ppid) || ppid == DC_PPID_STRING_PARTIAL || ppid == DC_PPID_BINARY_PARTIAL;
}

/* In @user_data, if there is somebody to be shown it: with a reference. */
static GstDcSctpHookResult
find_user_locked (DcSctpBypass *self, Stream *stream, DcSctpBypassUser *user, gpointer *user_data)
{
  if (stream->user_data == NULL) {
    stream->in_transit++;
    return GST_DC_SCTP_HOOK_PASS;
  }
  stream->held = stream->in_transit > 0;
  if (stream->held)
    return GST_DC_SCTP_HOOK_FULL;
  *user = stream->user;
  *user_data = user->ref (stream->user_data);
  return GST_DC_SCTP_HOOK_TAKEN;
}

GstDcSctpHookResult
dc_sctp_bypass_take (DcSctpBypass *self, guint16 number, guint32 ppid, GBytes *message)
{
  gpointer user_data = NULL;
  GstDcSctpHookResult result;
  DcSctpBypassUser user;
  gboolean draining;

  if (!is_message (ppid))
    return GST_DC_SCTP_HOOK_PASS;
  g_mutex_lock (&self->lock);
  result = find_user_locked (self, get_stream_locked (self, number), &user, &user_data);
  draining = self->draining;
  g_mutex_unlock (&self->lock);
  if (user_data == NULL)
    return result;
  if (!user.message (ppid, message, draining, user_data))
    result = GST_DC_SCTP_HOOK_FULL;
  user.unref (user_data);
  return result;
}

void
dc_sctp_bypass_given (DcSctpBypass *self, guint16 number)
{
  gboolean over = FALSE;
  Stream *stream;

  g_mutex_lock (&self->lock);
  stream = get_stream_locked (self, number);
  stream->in_transit -= stream->in_transit > 0;
  if (stream->in_transit == 0 && stream->held) {
    over = TRUE;
    stream->held = FALSE;
  }
  g_mutex_unlock (&self->lock);
  if (over)
    dc_sctp_bypass_resume (self);
}

void
dc_sctp_bypass_drain (DcSctpBypass *self)
{
  g_mutex_lock (&self->lock);
  self->draining = TRUE;
  g_mutex_unlock (&self->lock);
  dc_sctp_bypass_resume (self);
}

/* --- Sending ---------------------------------------------------------------------------------------------------------------------- */

DcSctpSent
dc_sctp_bypass_send (DcSctpBypass *self, const DcSctpSendInfo *info, gconstpointer data, gsize size)
{
  g_autoptr (GstDcSctpEnc) enc = NULL;
  gboolean may;
  Stream *stream;

  g_mutex_lock (&self->lock);
  stream = get_stream_locked (self, info->stream);
  may = stream->announced;
  /* Before it is tried: there may be room again before we hear that there was none. */
  stream->wants_room = TRUE;
  enc = self->enc != NULL ? g_object_ref (self->enc) : NULL;
  g_mutex_unlock (&self->lock);
  if (enc == NULL)
    return DC_SCTP_CLOSED;
  return may ? gst_dc_sctpenc_send (enc, info, data, size) : DC_SCTP_WOULD_BLOCK;
}

/* (nullable) (transfer full) */
static GstDcSctpEnc *
dup_enc (DcSctpBypass *self)
{
  GstDcSctpEnc *enc;

  g_mutex_lock (&self->lock);
  enc = self->enc != NULL ? g_object_ref (self->enc) : NULL;
  g_mutex_unlock (&self->lock);
  return enc;
}

void
dc_sctp_bypass_allow_lanes (DcSctpBypass *self, guint n)
{
  g_autoptr (GstDcSctpEnc) enc = dup_enc (self);

  if (enc != NULL)
    gst_dc_sctpenc_allow_lanes (enc, n);
}

void
dc_sctp_bypass_stripe (DcSctpBypass *self, guint16 stream, guint n, gboolean fixed)
{
  g_autoptr (GstDcSctpEnc) enc = dup_enc (self);

  if (enc != NULL)
    gst_dc_sctpenc_stripe (enc, stream, n, fixed);
}

guint
dc_sctp_bypass_get_n_lanes (DcSctpBypass *self)
{
  g_autoptr (GstDcSctpEnc) enc = dup_enc (self);

  return enc != NULL ? gst_dc_sctpenc_get_n_lanes (enc) : 1;
}

typedef struct {
  DcSctpBypassUser user;
  gpointer user_data;
} Waker;

static void
add_waker_locked (Stream *stream, GArray *wakers)
{
  Waker waker = {stream->user, NULL};

  if (!stream->wants_room || stream->user_data == NULL)
    return;
  stream->wants_room = FALSE;
  waker.user_data = stream->user.ref (stream->user_data);
  g_array_append_val (wakers, waker);
}

static void
call_wakers (GArray *wakers)
{
  for (guint i = 0; i < wakers->len; i++) {
    const Waker *waker = &g_array_index (wakers, Waker, i);

    waker->user.writable (waker->user_data);
    waker->user.unref (waker->user_data);
  }
}

void
dc_sctp_bypass_wake (DcSctpBypass *self)
{
  g_autoptr (GArray) wakers = g_array_new (FALSE, FALSE, sizeof (Waker));
  GHashTableIter iter;
  gpointer stream;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    add_waker_locked (stream, wakers);
  g_mutex_unlock (&self->lock);
  call_wakers (wakers);
}

void
dc_sctp_bypass_announced (DcSctpBypass *self, guint16 number)
{
  g_autoptr (GArray) wakers = g_array_new (FALSE, FALSE, sizeof (Waker));
  Stream *stream;

  g_mutex_lock (&self->lock);
  stream = get_stream_locked (self, number);
  stream->announced = TRUE;
  add_waker_locked (stream, wakers);
  g_mutex_unlock (&self->lock);
  call_wakers (wakers);
}

/* --- Who has a stream ------------------------------------------------------------------------------------------------------------- */

gboolean
dc_sctp_bypass_open (
    DcSctpBypass *self, guint16 number, gboolean negotiated, const DcSctpBypassUser *user, gpointer user_data)
{
  gboolean opened;
  Stream *stream;

  g_mutex_lock (&self->lock);
  opened = self->enc != NULL && self->dec != NULL;
  if (opened) {
    stream = get_stream_locked (self, number);
    self->n_users += stream->user_data == NULL;
    stream->user = *user;
    stream->user_data = user_data;
    stream->announced |= negotiated;
  }
  g_mutex_unlock (&self->lock);
  return opened;
}

/* Returns: whether somebody had it: what was held up for them may go on. */
static gboolean
leave_locked (DcSctpBypass *self, Stream *stream)
{
  gboolean had = stream->user_data != NULL;

  self->n_users -= had;
  stream->user_data = NULL;
  stream->announced = stream->held = stream->wants_room = FALSE;
  return had;
}

void
dc_sctp_bypass_close (DcSctpBypass *self, guint16 number, gpointer user_data)
{
  gboolean left = FALSE;
  Stream *stream;

  g_mutex_lock (&self->lock);
  stream = get_stream_locked (self, number);
  if (stream->user_data == user_data)
    left = leave_locked (self, stream);
  g_mutex_unlock (&self->lock);
  if (left)
    dc_sctp_bypass_resume (self);
}

void
dc_sctp_bypass_forget (DcSctpBypass *self, guint16 number)
{
  gboolean left;
  Stream *stream;

  g_mutex_lock (&self->lock);
  stream = get_stream_locked (self, number);
  left = leave_locked (self, stream);
  /* What comes out of webrtcbin still, does so before the far side is told that we know, and may use the stream again. */
  stream->in_transit = 0;
  g_mutex_unlock (&self->lock);
  if (left)
    dc_sctp_bypass_resume (self);
}

guint
dc_sctp_bypass_count (DcSctpBypass *self)
{
  guint n;

  g_mutex_lock (&self->lock);
  n = self->n_users;
  g_mutex_unlock (&self->lock);
  return n;
}
