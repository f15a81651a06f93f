/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-association.c: one SCTP association over DTLS, by libusrsctp.
 *
 * Theory of operation
 * -------------------
 * An association is a socket of usrsctp's, bound to a number in the place of an address. Below it are packets: input () brings those that have
 * come, output () takes those that are to go. Above it are messages. All that usrsctp does happens inside of a call: on the thread of
 * who brings packets, sends or resumes, or on the one thread that runs usrsctp's timers (dc-sctp-stack.c, which says why one thread at a time is
 * let in). Nothing is called back from in there: packets are collected and put out after (dc-sctp-packets.c), and so are messages and
 * news (dc-sctp-receive.c), with no lock held.
 *
 *     send () ---> usrsctp_sendv ()  \                                 / collected -> submitted -> output ()
 *     input () --> usrsctp_conninput () > one at a time, with the lock <
 *     timers ---> usrsctp_handle_timers ()  /                          \ read -> message (), reset (), was_reset (), state ()
 *
 * States go up only: NEW, CONNECTING, UP, then SHUT or ABORTED. Both sides connect, as RFC 8841 wants it, and usrsctp sorts it out
 * that they met. What comes before connect () is dropped, since usrsctp would answer with an ABORT.
 *
 * Back-pressure: what the application does not take stays in usrsctp's receive buffer, and the window closes; what the far side does not take
 * stays in the send buffer, and send () says WOULD_BLOCK (dc-sctp-send.c).
 *
 * The end: shut () is SHUTDOWN, after everything is acknowledged. abort () closes the socket, which sends ABORT; the number stays registered, so
 * that usrsctp answers with another one if that was lost. unref () sends nothing: there may be nothing below any more.
 */
#include "plugins/transport/dc-sctp-association-private.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>

#define COMMON_HEADER 12

void
dc_sctp_settings_init (DcSctpSettings *settings)
{
  *settings = (DcSctpSettings){
      .local_port = 5000,
      .remote_port = 5000,
      .max_message_size = 262144,
      .receive_window = 4 * 1024 * 1024,
      .send_buffer = 6 * 1024 * 1024,
      .streams = 1024,
      .mtu = 1192,
      .sack_frequency = 2,
  };
}

/* --- the socket --- */

struct sockaddr_conn
dc_sctp_address_of (const DcSctpAssociation *self, guint16 port)
{
  struct sockaddr_conn address = {.sconn_family = AF_CONN, .sconn_port = g_htons (port)};

  address.sconn_addr = (gpointer) self->address;
  return address;
}

static gboolean
set_option (DcSctpAssociation *self, int level, int name, gconstpointer value, gsize size)
{
  return usrsctp_setsockopt (self->socket, level, name, value, (socklen_t) size) == 0;
}

static gboolean
set_int (DcSctpAssociation *self, int level, int name, gsize value)
{
  int number = (int) value;

  return set_option (self, level, name, &number, sizeof number);
}

static gboolean
set_window (DcSctpAssociation *self)
{
  return dc_sctp_window_set_locked (self)
         && set_int (self, IPPROTO_SCTP, SCTP_PARTIAL_DELIVERY_POINT, self->settings.max_message_size + 1);
}

static gboolean
set_mtu (DcSctpAssociation *self)
{
  struct sctp_paddrparams params = {
      .spp_flags = SPP_PMTUD_DISABLE,
      .spp_pathmtu = MIN (self->settings.mtu, DC_SCTP_MTU_MAX) - COMMON_HEADER, /* usrsctp leaves that out */
  };

  return set_option (self, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &params, sizeof params);
}

static gboolean
set_events (DcSctpAssociation *self)
{
  static const guint16 types[] = {SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT, SCTP_PARTIAL_DELIVERY_EVENT};

  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    struct sctp_event event = {.se_assoc_id = SCTP_FUTURE_ASSOC, .se_type = types[i], .se_on = 1};

    if (!set_option (self, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof event))
      return FALSE;
  }
  return TRUE;
}

static gboolean
set_options (DcSctpAssociation *self)
{
  const DcSctpSettings *settings = &self->settings;
  struct linger linger = {.l_onoff = 1, .l_linger = 0}; /* closing aborts */
  struct sctp_initmsg init = {.sinit_num_ostreams = settings->streams, .sinit_max_instreams = G_MAXUINT16};
  struct sctp_assoc_value reset = {.assoc_id = SCTP_FUTURE_ASSOC, .assoc_value = SCTP_ENABLE_RESET_STREAM_REQ};
  struct sctp_sack_info sack = {.sack_freq = settings->sack_frequency};

  return usrsctp_set_non_blocking (self->socket, 1) == 0
         && set_option (self, SOL_SOCKET, SO_LINGER, &linger, sizeof linger)
         && set_int (self, SOL_SOCKET, SO_SNDBUF, dc_sctp_buffer_for (self, settings->send_buffer)) && set_window (self)
         && set_int (self, IPPROTO_SCTP, SCTP_NODELAY, 1) && set_int (self, IPPROTO_SCTP, SCTP_RECVRCVINFO, 1)
         && set_int (self, IPPROTO_SCTP, SCTP_FRAGMENT_INTERLEAVE, 0)
         && set_option (self, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof init)
         && set_option (self, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, &reset, sizeof reset)
         && set_option (self, IPPROTO_SCTP, SCTP_DELAYED_SACK, &sack, sizeof sack) && set_mtu (self)
         && set_events (self);
}

/* Returns: whether errno says why not. */
static gboolean
open_socket (DcSctpAssociation *self)
{
  struct sockaddr_conn address = dc_sctp_address_of (self, self->settings.local_port);

  self->socket = usrsctp_socket (AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
  return self->socket != NULL && set_options (self)
         && usrsctp_bind (self->socket, (struct sockaddr *) &address, sizeof address) == 0;
}

void
dc_sctp_close_locked (DcSctpAssociation *self)
{
  if (self->socket != NULL)
    usrsctp_close (g_steal_pointer (&self->socket));
}

/* --- life --- */

DcSctpAssociation *
dc_sctp_association_new (
    const DcSctpSettings *settings, const DcSctpCallbacks *callbacks, gpointer user_data, GError **error)
{
  DcSctpAssociation *self = g_new0 (DcSctpAssociation, 1);
  int open_errno = 0;

  g_atomic_ref_count_init (&self->references);
  self->settings = *settings;
  self->callbacks = *callbacks;
  self->user_data = user_data;
  g_mutex_init (&self->lock);
  g_mutex_init (&self->output_lock);
  self->resetting = g_hash_table_new (NULL, NULL);
  self->events = g_array_new (FALSE, FALSE, sizeof (DcSctpEvent));
  self->telling = g_array_new (FALSE, FALSE, sizeof (DcSctpEvent));
  g_array_set_clear_func (self->events, (GDestroyNotify) dc_sctp_event_clear);
  g_array_set_clear_func (self->telling, (GDestroyNotify) dc_sctp_event_clear);
  dc_sctp_stack_add (self);

  dc_sctp_enter (self);
  if (!open_socket (self))
    open_errno = errno;
  dc_sctp_leave (self);
  if (open_errno == 0)
    return self;
  g_set_error (
      error, G_IO_ERROR, g_io_error_from_errno (open_errno), "SCTP has no socket for us: %s", g_strerror (open_errno));
  dc_sctp_association_unref (self);
  return NULL;
}

DcSctpAssociation *
dc_sctp_association_ref (DcSctpAssociation *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
dc_sctp_association_free (DcSctpAssociation *self)
{
  dc_sctp_packets_clear (self);
  g_array_unref (self->events);
  g_array_unref (self->telling);
  g_hash_table_unref (self->resetting);
  g_free (self->used);
  g_free (self->buffer);
  g_mutex_clear (&self->output_lock);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
dc_sctp_association_unref (DcSctpAssociation *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  dc_sctp_enter (self);
  dc_sctp_close_locked (self);
  g_mutex_lock (&self->output_lock);
  self->gone = TRUE;
  g_mutex_unlock (&self->output_lock);
  dc_sctp_leave_silently (self);
  if (dc_sctp_stack_remove (self))
    dc_sctp_association_free (self);
}

/* --- states --- */

void
dc_sctp_association_connect (DcSctpAssociation *self)
{
  struct sockaddr_conn address = dc_sctp_address_of (self, self->settings.remote_port);

  dc_sctp_enter (self);
  if (self->state == DC_SCTP_NEW) {
    dc_sctp_set_state_locked (self, DC_SCTP_CONNECTING);
    if (usrsctp_connect (self->socket, (struct sockaddr *) &address, sizeof address) != 0 && errno != EINPROGRESS)
      dc_sctp_set_state_locked (self, DC_SCTP_ABORTED);
  }
  dc_sctp_deliver_and_leave (self);
}

void
dc_sctp_association_shut (DcSctpAssociation *self)
{
  dc_sctp_enter (self);
  if (!self->shutting && self->state == DC_SCTP_UP)
    usrsctp_shutdown (self->socket, SHUT_WR);
  else if (self->state == DC_SCTP_NEW)
    dc_sctp_set_state_locked (self, DC_SCTP_SHUT);
  self->shutting = TRUE;
  dc_sctp_deliver_and_leave (self);
}

void
dc_sctp_association_abort (DcSctpAssociation *self)
{
  dc_sctp_enter (self);
  dc_sctp_close_locked (self);
  if (self->state <= DC_SCTP_UP) {
    self->state = DC_SCTP_ABORTED;
    self->urgent = TRUE;
  }
  dc_sctp_deliver_and_leave (self);
}

DcSctpState
dc_sctp_association_get_state (DcSctpAssociation *self)
{
  DcSctpState state;

  g_mutex_lock (&self->lock);
  state = self->state;
  g_mutex_unlock (&self->lock);
  return state;
}

gboolean
dc_sctp_association_got_too_long (DcSctpAssociation *self)
{
  gboolean got;

  g_mutex_lock (&self->lock);
  got = self->got_too_long;
  g_mutex_unlock (&self->lock);
  return got;
}

/* --- figures --- */

void
dc_sctp_association_get_stats (DcSctpAssociation *self, DcSctpStats *stats)
{
  struct sctp_status status = {0};
  socklen_t size = sizeof status;

  dc_sctp_enter (self);
  *stats = self->stats;
  if (self->socket != NULL && usrsctp_getsockopt (self->socket, IPPROTO_SCTP, SCTP_STATUS, &status, &size) == 0) {
    stats->congestion_window = status.sstat_primary.spinfo_cwnd;
    stats->remote_window = status.sstat_rwnd;
    stats->rtt = status.sstat_primary.spinfo_srtt;
    stats->buffered = dc_sctp_buffered_locked (self);
  }
  dc_sctp_leave (self);
}
