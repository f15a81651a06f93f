/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-wire.c: the way of a channel's messages: through webrtcbin's channel, or past it.
 *
 * Theory of operation
 * -------------------
 * A channel is webrtcbin's: it opens, closes and breaks it. Its messages go through it as well, until it is open and ours to use; then
 * past it, if SCTP's elements are ours (dc-sctp-bypass.c). Whoever has a wire need not know.
 *
 * Past webrtcbin, what SCTP has no room for waits here, as it would in webrtcbin: who sends does not wait, and looks at how much is buffered. One thread at a
 * time gives to SCTP, whoever comes first; so messages stay in order, and nothing is called with the lock held. That SCTP has room again may
 * be said before who gives hears that it had none: `room` remembers. A channel is closed when nothing waits any more.
 */
#include "plugins/peer/dc-wire.h"

#include <string.h>

#include "plugins/peer/dc-error.h"
#include "plugins/transport/dc-ppid.h"

typedef struct {
  GBytes *bytes; /* (nullable) */
  gboolean is_text;
} Waiting;

struct _DcWire {
  GstWebRTCDataChannel *rtc;
  DcSctpWatch *watch;
  DcSctpBypass *bypass;
  DcWireCallbacks callbacks;
  GObject *user_data;
  gint past;           /* atomic: past webrtcbin */
  DcSctpSendInfo info; /* then */

  GMutex lock;    /* of what follows; nothing is called with it */
  GQueue waiting; /* (element-type Waiting): first in, first out */
  guint64 buffered, threshold;
  gboolean above;   /* more was buffered than that */
  gboolean giving;  /* somebody is, and has the first of those that wait */
  gboolean room;    /* meanwhile SCTP has said that it has some */
  gboolean blocked; /* it has none */
  gboolean closing; /* the channel is to be closed when nothing waits */
  gboolean closed;  /* nothing is taken any more */
};

static void
waiting_free (gpointer data)
{
  Waiting *waiting = data;

  g_clear_pointer (&waiting->bytes, g_bytes_unref);
  g_free (waiting);
}

static gsize
size_of (const Waiting *waiting)
{
  return waiting->bytes != NULL ? g_bytes_get_size (waiting->bytes) : 0;
}

/* --- Life ---------------------------------------------------------------------------------------------------------------------- */

DcWire *
dc_wire_ref (DcWire *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
clear (gpointer data)
{
  DcWire *self = data;

  g_queue_clear_full (&self->waiting, waiting_free);
  g_object_unref (self->rtc);
  dc_sctp_watch_unref (self->watch);
  dc_sctp_bypass_unref (self->bypass);
  g_object_unref (self->user_data);
  g_mutex_clear (&self->lock);
}

void
dc_wire_unref (DcWire *self)
{
  g_atomic_rc_box_release_full (self, clear);
}

static void
release_closure (gpointer self, GClosure *closure)
{
  dc_wire_unref (self);
}

/* A closure keeps the wire while a handler runs, which disconnecting alone would not. */
static void
connect_signal (DcWire *self, const char *name, GCallback callback)
{
  g_signal_connect_data (self->rtc, name, callback, dc_wire_ref (self), release_closure, 0);
}

/* --- Through webrtcbin: its thread, its lock held -------------------------------------------------------------------------------- */

/* @data is NULL for an empty message (PPID 57). */
static void
on_message_data (GstWebRTCDataChannel *rtc, GBytes *data, DcWire *self)
{
  self->callbacks.message (self, data, FALSE, TRUE, self->user_data);
}

static void
on_message_string (GstWebRTCDataChannel *rtc, const char *text, DcWire *self)
{
  g_autoptr (GBytes) bytes = text != NULL ? g_bytes_new (text, strlen (text)) : NULL;

  self->callbacks.message (self, bytes, TRUE, TRUE, self->user_data);
}

/* Its stream may be another channel's when both directions have ended. */
static void
leave (DcWire *self)
{
  if (g_atomic_int_get (&self->past))
    dc_sctp_bypass_close (self->bypass, self->info.stream, self);
  g_mutex_lock (&self->lock);
  self->closed = TRUE;
  g_mutex_unlock (&self->lock);
}

static void
on_close (GstWebRTCDataChannel *rtc, DcWire *self)
{
  leave (self);
  self->callbacks.closed (self, self->user_data);
}

static void
on_error (GstWebRTCDataChannel *rtc, const GError *error, DcWire *self)
{
  self->callbacks.failed (self, error, self->user_data);
}

static void
on_buffered_amount_low (GstWebRTCDataChannel *rtc, DcWire *self)
{
  self->callbacks.low (self, self->user_data);
}

static gboolean
is_open (GstWebRTCDataChannel *rtc)
{
  GstWebRTCDataChannelState state;

  g_object_get (rtc, "ready-state", &state, NULL);
  return state == GST_WEBRTC_DATA_CHANNEL_STATE_OPEN;
}

static gboolean
set_closed_error (GError **error)
{
  g_set_error_literal (error, DC_ERROR, DC_ERROR_PEER_GONE, "the channel is closed");
  return FALSE;
}

/* What webrtcbin 1.22 refuses because the channel is no longer open, it never frees: so it is asked first. */
static gboolean
send_through (DcWire *self, GBytes *message, gboolean is_text, GError **error)
{
  gsize size = message != NULL ? g_bytes_get_size (message) : 0;

  if (!is_open (self->rtc))
    return set_closed_error (error);
  if (is_text) {
    g_autofree char *text = size > 0 ? g_strndup (g_bytes_get_data (message, NULL), size) : NULL;
    return gst_webrtc_data_channel_send_string_full (self->rtc, text, error);
  }
  return gst_webrtc_data_channel_send_data_full (self->rtc, size > 0 ? message : NULL, error);
}

/* --- Past it: sending ---------------------------------------------------------------------------------------------------------------- */

/* An unordered message may overtake what opens the channel, and who gets it has nothing to give it to (RFC 8832, section 6). */
static DcSctpSent
give (DcWire *self, const Waiting *waiting)
{
  DcSctpSendInfo info = self->info;

  info.ppid = waiting->is_text ? DC_PPID_STRING : DC_PPID_BINARY;
  info.unordered = info.unordered && !dc_sctp_watch_is_opening (self->watch, info.stream);
  return dc_sctp_bypass_send (
      self->bypass, &info, waiting->bytes != NULL ? g_bytes_get_data (waiting->bytes, NULL) : NULL, size_of (waiting));
}

/* Of who is giving. Lets go of the lock meanwhile. */
static void
give_first_locked (DcWire *self)
{
  Waiting *first = g_queue_peek_head (&self->waiting);
  DcSctpSent sent;

  self->room = FALSE;
  g_mutex_unlock (&self->lock);
  sent = give (self, first);
  g_mutex_lock (&self->lock);
  if (sent == DC_SCTP_WOULD_BLOCK) {
    self->blocked = !self->room;
    return;
  }
  self->closed |= sent != DC_SCTP_SENT;
  self->buffered -= size_of (first);
  waiting_free (g_queue_pop_head (&self->waiting));
}

static void
give_locked (DcWire *self)
{
  if (self->giving)
    return;
  self->giving = TRUE;
  while (!self->closed && !self->blocked && !g_queue_is_empty (&self->waiting))
    give_first_locked (self);
  self->giving = FALSE;
  if (!self->closed)
    return;
  g_queue_clear_full (&self->waiting, waiting_free);
  self->buffered = 0;
}

/* Notes what is to be told once the lock is given up. */
static void
check_locked (DcWire *self, gboolean *is_low, gboolean *is_done)
{
  gboolean above = self->buffered > self->threshold;

  *is_low = self->above && !above;
  self->above = above;
  *is_done = self->closing && g_queue_is_empty (&self->waiting);
  self->closing &= !*is_done;
  self->closed |= *is_done;
}

/* With the lock, which is given up. */
static void
tell_and_unlock (DcWire *self)
{
  gboolean is_low, is_done;

  check_locked (self, &is_low, &is_done);
  g_mutex_unlock (&self->lock);
  if (is_low)
    self->callbacks.low (self, self->user_data);
  if (is_done)
    gst_webrtc_data_channel_close (self->rtc);
}

static gboolean
send_past (DcWire *self, GBytes *message, gboolean is_text, GError **error)
{
  Waiting *waiting = g_new (Waiting, 1);
  gboolean closed;

  *waiting = (Waiting){message != NULL ? g_bytes_ref (message) : NULL, is_text};
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->waiting, waiting);
  self->buffered += size_of (waiting);
  give_locked (self);
  closed = self->closed;
  tell_and_unlock (self);
  return !closed || set_closed_error (error);
}

/* --- Past it: what the bypass says ---------------------------------------------------------------------------------------------------- */

static gboolean
take_message (guint32 ppid, GBytes *message, gboolean must, gpointer user_data)
{
  DcWire *self = user_data;
  gboolean is_text = ppid == DC_PPID_STRING || ppid == DC_PPID_STRING_PARTIAL || ppid == DC_PPID_STRING_EMPTY;

  return self->callbacks.message (self, dc_ppid_is_empty (ppid) ? NULL : message, is_text, must, self->user_data);
}

static void
take_room (gpointer user_data)
{
  DcWire *self = user_data;

  g_mutex_lock (&self->lock);
  self->room = TRUE;
  self->blocked = FALSE;
  give_locked (self);
  tell_and_unlock (self);
}

static gpointer
ref (gpointer user_data)
{
  return dc_wire_ref (user_data);
}

static void
unref (gpointer user_data)
{
  dc_wire_unref (user_data);
}

/* --- Any way -------------------------------------------------------------------------------------------------------------------- */

DcWire *
dc_wire_new (GstWebRTCDataChannel *rtc, DcSctpWatch *watch, DcSctpBypass *bypass, const DcWireCallbacks *callbacks,
    GObject *user_data)
{
  DcWire *self = g_atomic_rc_box_new0 (DcWire);

  g_mutex_init (&self->lock);
  self->rtc = g_object_ref (rtc);
  self->watch = dc_sctp_watch_ref (watch);
  self->bypass = dc_sctp_bypass_ref (bypass);
  self->callbacks = *callbacks;
  self->user_data = g_object_ref (user_data);
  connect_signal (self, "on-message-data", G_CALLBACK (on_message_data));
  connect_signal (self, "on-message-string", G_CALLBACK (on_message_string));
  connect_signal (self, "on-close", G_CALLBACK (on_close));
  connect_signal (self, "on-error", G_CALLBACK (on_error));
  connect_signal (self, "on-buffered-amount-low", G_CALLBACK (on_buffered_amount_low));
  return self;
}

/* What DCEP has told both sides, or the application both. Returns: whether there was none of that. */
static gboolean
get_info (DcWire *self)
{
  gint id = -1, retransmits = -1, lifetime = -1;
  gboolean ordered = TRUE, negotiated = FALSE;

  g_object_get (self->rtc, "id", &id, "ordered", &ordered, "max-retransmits", &retransmits, "max-packet-lifetime",
      &lifetime, "negotiated", &negotiated, NULL);
  self->info = (DcSctpSendInfo){.stream = (guint16) id, .unordered = !ordered};
  if (retransmits >= 0) {
    self->info.reliability = DC_SCTP_RETRANSMITS;
    self->info.limit = (guint32) retransmits;
  } else if (lifetime >= 0) {
    self->info.reliability = DC_SCTP_LIFETIME;
    self->info.limit = (guint32) lifetime;
  }
  return negotiated;
}

void
dc_wire_start (DcWire *self)
{
  static const DcSctpBypassUser user = {take_message, take_room, ref, unref};
  gboolean negotiated = get_info (self);

  if (!is_open (self->rtc))
    return;
  dc_sctp_watch_begin (self->watch, self->info.stream);
  if (dc_sctp_bypass_open (self->bypass, self->info.stream, negotiated, &user, self))
    g_atomic_int_set (&self->past, TRUE);
}

void
dc_wire_detach (DcWire *self)
{
  g_signal_handlers_disconnect_by_data (self->rtc, self);
  leave (self);
}

GstWebRTCDataChannel *
dc_wire_get_rtc (DcWire *self)
{
  return self->rtc;
}

guint16
dc_wire_get_stream (DcWire *self)
{
  gint id = -1;

  g_object_get (self->rtc, "id", &id, NULL);
  return (guint16) id;
}

gboolean
dc_wire_is_alone (DcWire *self)
{
  return dc_sctp_bypass_count (self->bypass) <= 1;
}

void
dc_wire_resume (DcWire *self)
{
  dc_sctp_bypass_resume (self->bypass);
}

guint64
dc_wire_get_buffered_amount (DcWire *self)
{
  guint64 buffered = 0;

  if (!g_atomic_int_get (&self->past)) {
    g_object_get (self->rtc, "buffered-amount", &buffered, NULL);
    return buffered;
  }
  g_mutex_lock (&self->lock);
  buffered = self->buffered;
  g_mutex_unlock (&self->lock);
  return buffered;
}

void
dc_wire_set_low_threshold (DcWire *self, guint64 bytes)
{
  g_object_set (self->rtc, "buffered-amount-low-threshold", bytes, NULL);
  g_mutex_lock (&self->lock);
  self->threshold = bytes;
  self->above = self->buffered > bytes;
  g_mutex_unlock (&self->lock);
}

gboolean
dc_wire_send (DcWire *self, GBytes *message, gboolean is_text, GError **error)
{
  if (g_atomic_int_get (&self->past))
    return send_past (self, message, is_text, error);
  return send_through (self, message, is_text, error);
}

void
dc_wire_close (DcWire *self)
{
  g_mutex_lock (&self->lock);
  self->closing = TRUE;
  tell_and_unlock (self);
}

gboolean
dc_wire_allow_lanes (DcWire *self, guint n)
{
  gboolean past = g_atomic_int_get (&self->past);

  if (past)
    dc_sctp_bypass_allow_lanes (self->bypass, n);
  return past;
}

void
dc_wire_stripe (DcWire *self, guint n, gboolean fixed)
{
  if (g_atomic_int_get (&self->past))
    dc_sctp_bypass_stripe (self->bypass, self->info.stream, n, fixed);
}

guint
dc_wire_get_n_lanes (DcWire *self)
{
  return g_atomic_int_get (&self->past) ? dc_sctp_bypass_get_n_lanes (self->bypass) : 1;
}
