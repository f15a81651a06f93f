/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-stack.c: libusrsctp, which there is one of in a process: its life, its clock, and who may call it when.
 *
 * Theory of operation
 * -------------------
 * libusrsctp 0.9.5 has locks of its own, and does not keep what they promise: a sender looks at an association that an ABORT has just freed, a
 * timer ends one under both. So we let in one thread at a time for each association, and timers alone:
 *
 *  - Whoever calls usrsctp for an association has its lock (dc_sctp_enter (), dc_sctp_leave ()). What usrsctp puts out meanwhile can only be of
 *    this association, which the thread remembers.
 *  - Timers are run by one thread of ours, for all associations at once. It closes a gate, waits at each association's lock until who was
 *    inside has left, and then is alone. Who finds the gate closed lets go of the lock again and waits.
 *
 * usrsctp knows an association by a number, not by a pointer: what a timer of a closed socket still says about it finds nobody. Numbers
 * are used again after a while. They are never taken from usrsctp (usrsctp_deregister_address ()): it has a thread, also
 * after usrsctp_init_nothreads (), that then goes through all associations, whoever uses them; it has nothing else to do. Nor is
 * usrsctp ever ended (usrsctp_finish ()), since it cannot know when its last socket, which may linger, is done. The clock stops when there
 * has been no association for a while.
 */
#include "plugins/transport/dc-sctp-association-private.h"

/* Of usrsctp's timers: the finest that matters is the delay of an acknowledgement, 20 ms. */
#define TICK_MS 10u
/* For closed sockets, which are freed by timers of some ticks; and after which their numbers are free. */
#define LINGER_MS 5000u

/* What is held goes after so many microseconds, more or less. */
#define PUSH_US 100
/* What is paced leaves in pieces of so many microseconds. */
#define PACE_US 500

typedef struct {
  guintptr address;
  guint64 since; /* stack.now */
} FreeAddress;

static struct {
  GMutex running; /* one at a time runs timers */
  GMutex lock;    /* of what follows, up to the gate; before an association's lock */
  GCond changed;  /* an association has come; or is no longer pinned */
  GHashTable *associations;
  guintptr last_address;
  GQueue free_addresses; /* (element-type FreeAddress): since when, in order */
  guint64 now;           /* milliseconds that have passed for usrsctp */

  gboolean stopped;  /* the clock, for good */
  gboolean pushing;  /* the pusher's thread runs */
  GCond push_wanted; /* one more of: */
  GQueue to_push;    /* (element-type DcSctpAssociation): pinned */
  GCond pace_wanted; /* one more of: */
  GQueue to_pace;    /* (element-type DcSctpAssociation): pinned */

  GMutex gate_lock;
  GCond gate_open;
  gint gate_closed; /* atomic */
} stack;

/* Of this thread: whose lock it has; whether it has the gate closed; whether it has pinned an association. */
static __thread DcSctpAssociation *inside;
static __thread gboolean alone;
static __thread gboolean is_ours;

static int
conn_output_cb (void *address, void *packet, size_t size, guint8 tos, guint8 dont_fragment)
{
  DcSctpAssociation *self = inside;

  if (self == NULL && alone)
    self = g_hash_table_lookup (stack.associations, address);
  if (self != NULL && (gpointer) self->address == address)
    dc_sctp_packets_collect (self, packet, size);
  return 0;
}

/* --- the gate --- */

static void
wait_at_gate (void)
{
  g_mutex_lock (&stack.gate_lock);
  while (g_atomic_int_get (&stack.gate_closed))
    g_cond_wait (&stack.gate_open, &stack.gate_lock);
  g_mutex_unlock (&stack.gate_lock);
}

/* Who comes after this has seen that it is closed; who came before has left. */
static void
close_gate (void)
{
  GHashTableIter iter;
  gpointer value;

  g_atomic_int_set (&stack.gate_closed, TRUE);
  g_hash_table_iter_init (&iter, stack.associations);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    DcSctpAssociation *association = value;

    g_mutex_lock (&association->lock);
    g_mutex_unlock (&association->lock);
  }
}

static void
open_gate (void)
{
  g_mutex_lock (&stack.gate_lock);
  g_atomic_int_set (&stack.gate_closed, FALSE);
  g_cond_broadcast (&stack.gate_open);
  g_mutex_unlock (&stack.gate_lock);
}

void
dc_sctp_enter (DcSctpAssociation *self)
{
  g_assert (inside == NULL);
  g_mutex_lock (&self->lock);
  while (G_UNLIKELY (g_atomic_int_get (&stack.gate_closed))) {
    g_mutex_unlock (&self->lock);
    wait_at_gate ();
    g_mutex_lock (&self->lock);
  }
  inside = self;
}

void
dc_sctp_leave_with (DcSctpAssociation *self, guint packets)
{
  gboolean writable = dc_sctp_check_room_locked (self) && !self->gone;
  gboolean output = dc_sctp_packets_submit (self);

  inside = NULL;
  g_mutex_unlock (&self->lock);

  if (output)
    dc_sctp_packets_flush (self, packets);
  if (writable)
    self->callbacks.writable (self->user_data);
}

void
dc_sctp_leave (DcSctpAssociation *self)
{
  dc_sctp_leave_with (self, 1);
}

void
dc_sctp_leave_silently (DcSctpAssociation *self)
{
  inside = NULL;
  g_mutex_unlock (&self->lock);
}

/* --- time --- */

/* Of those that timers have done something to: what they put out is submitted, and they stay until unpin (). */
static GPtrArray *
pin_touched (void)
{
  GPtrArray *touched = NULL;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, stack.associations);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    DcSctpAssociation *association = value;
    gboolean output = dc_sctp_packets_submit (association);

    if (!output
        && (association->socket == NULL
            || (usrsctp_get_events (association->socket) & (SCTP_EVENT_READ | SCTP_EVENT_ERROR)) == 0))
      continue;
    if (touched == NULL)
      touched = g_ptr_array_new ();
    association->pins++;
    g_ptr_array_add (touched, association);
  }
  return touched;
}

static void
unpin (DcSctpAssociation *association)
{
  gboolean free_it;

  g_mutex_lock (&stack.lock);
  free_it = --association->pins == 0 && association->orphan;
  g_cond_broadcast (&stack.changed);
  g_mutex_unlock (&stack.lock);
  if (free_it)
    dc_sctp_association_free (association);
}

/* Those that are to be paced, once around. */
static void
pace_all (void)
{
  guint n;

  g_mutex_lock (&stack.lock);
  n = g_queue_get_length (&stack.to_pace);
  g_mutex_unlock (&stack.lock);
  for (; n > 0; n--) {
    DcSctpAssociation *association;

    g_mutex_lock (&stack.lock);
    association = g_queue_pop_head (&stack.to_pace);
    g_mutex_unlock (&stack.lock);
    if (association == NULL)
      return;
    if (!dc_sctp_packets_pace (association)) {
      unpin (association);
      continue;
    }
    g_mutex_lock (&stack.lock);
    g_queue_push_tail (&stack.to_pace, association);
    g_mutex_unlock (&stack.lock);
  }
}

/* Where nothing but a test has time pass, the pusher and the pacer are whoever does. */
static void
push_all (void)
{
  DcSctpAssociation *association;

  do {
    g_mutex_lock (&stack.lock);
    association = stack.stopped ? g_queue_pop_head (&stack.to_push) : NULL;
    g_mutex_unlock (&stack.lock);
    if (association != NULL) {
      dc_sctp_push (association);
      unpin (association);
    }
  } while (association != NULL);
  if (stack.stopped)
    pace_all ();
}

void
dc_sctp_stack_advance (guint milliseconds)
{
  g_autoptr (GPtrArray) touched = NULL;

  g_mutex_lock (&stack.running);
  g_mutex_lock (&stack.lock);
  close_gate ();
  alone = TRUE;
  usrsctp_handle_timers (milliseconds);
  stack.now += milliseconds;
  touched = pin_touched ();
  alone = FALSE;
  open_gate ();
  g_mutex_unlock (&stack.lock);

  is_ours = TRUE;
  for (guint i = 0; touched != NULL && i < touched->len; i++) {
    DcSctpAssociation *association = touched->pdata[i];

    dc_sctp_packets_flush (association, 1);
    dc_sctp_enter (association);
    association->nothing_new = FALSE;
    dc_sctp_deliver_and_leave (association);
    unpin (association);
  }
  push_all ();
  is_ours = FALSE;
  g_mutex_unlock (&stack.running);
}

/* Waits until there is an association, or for the next tick. Returns: whether the clock has stood still. */
static gboolean
wait_for_tick (guint *idle_ticks)
{
  gboolean stood = FALSE;

  g_mutex_lock (&stack.lock);
  *idle_ticks = g_hash_table_size (stack.associations) == 0 ? *idle_ticks + 1 : 0;
  while (*idle_ticks > LINGER_MS / TICK_MS && g_hash_table_size (stack.associations) == 0) {
    g_cond_wait (&stack.changed, &stack.lock);
    stood = TRUE;
  }
  g_mutex_unlock (&stack.lock);
  if (!stood)
    g_usleep (TICK_MS * 1000);
  return stood;
}

static gpointer
clock_thread (gpointer data)
{
  gint64 last = g_get_monotonic_time ();
  guint idle_ticks = 0;

  for (;;) {
    gboolean stood = wait_for_tick (&idle_ticks);
    gint64 now = g_get_monotonic_time ();
    guint elapsed = (guint) ((now - last) / 1000);

    if (stood) {
      idle_ticks = 0;
      last = now;
    } else if (elapsed > 0) {
      last += (gint64) elapsed * 1000;
      dc_sctp_stack_advance (elapsed);
    }
  }
  return NULL;
}

/* --- pushing --- */

static gpointer
push_thread (gpointer data)
{
  is_ours = TRUE;
  for (;;) {
    DcSctpAssociation *association;

    g_mutex_lock (&stack.lock);
    while (g_queue_is_empty (&stack.to_push))
      g_cond_wait (&stack.push_wanted, &stack.lock);
    g_mutex_unlock (&stack.lock);

    g_usleep (PUSH_US);
    g_mutex_lock (&stack.lock);
    association = g_queue_pop_head (&stack.to_push);
    g_mutex_unlock (&stack.lock);
    dc_sctp_push (association);
    unpin (association);
  }
  return NULL;
}

void
dc_sctp_stack_push_soon (DcSctpAssociation *self)
{
  g_mutex_lock (&stack.lock);
  if (!stack.pushing && !stack.stopped) {
    stack.pushing = TRUE;
    g_thread_unref (g_thread_new ("dc-sctp-push", push_thread, NULL));
  }
  self->pins++;
  g_queue_push_tail (&stack.to_push, self);
  g_cond_signal (&stack.push_wanted);
  g_mutex_unlock (&stack.lock);
}

/* --- pacing --- */

static gpointer
pace_thread (gpointer data)
{
  is_ours = TRUE;
  for (;;) {
    g_mutex_lock (&stack.lock);
    while (g_queue_is_empty (&stack.to_pace))
      g_cond_wait (&stack.pace_wanted, &stack.lock);
    g_mutex_unlock (&stack.lock);
    g_usleep (PACE_US);
    pace_all ();
  }
  return NULL;
}

void
dc_sctp_stack_pace (DcSctpAssociation *self)
{
  g_mutex_lock (&stack.lock);
  self->pins++;
  g_queue_push_tail (&stack.to_pace, self);
  g_cond_signal (&stack.pace_wanted);
  g_mutex_unlock (&stack.lock);
}

/* --- life --- */

static void
set_defaults (void)
{
  /* Nothing of what DTLS makes needless, or what a path of one address has no use for (RFC 8831, 6). */
  usrsctp_enable_crc32c_offload ();
  usrsctp_sysctl_set_sctp_ecn_enable (0);
  usrsctp_sysctl_set_sctp_auth_enable (0);
  usrsctp_sysctl_set_sctp_asconf_enable (0);
  usrsctp_sysctl_set_sctp_auto_asconf (0);
  usrsctp_sysctl_set_sctp_nrsack_enable (0);
  usrsctp_sysctl_set_sctp_pktdrop_enable (0);
  usrsctp_sysctl_set_sctp_vtag_time_wait (0);
  usrsctp_sysctl_set_sctp_cmt_on_off (0);

  /* Of an ordinary path; usrsctp's own (RTO of one second at least, acknowledgements after 200 ms) are those of 2000. A burst must have an end:
   * without one, usrsctp sends a whole window at once after an acknowledgement that was long in coming. The initial RTO is that of an INIT that is lost; see dc-sctp-rtt.c. */
  usrsctp_sysctl_set_sctp_rto_initial_default (300);
  usrsctp_sysctl_set_sctp_rto_min_default (200);
  usrsctp_sysctl_set_sctp_rto_max_default (10000);
  usrsctp_sysctl_set_sctp_init_rto_max_default (10000);
  /* Some two minutes of silence end an association that has something to say. */
  usrsctp_sysctl_set_sctp_assoc_rtx_max_default (20);
  usrsctp_sysctl_set_sctp_path_rtx_max_default (20);
  usrsctp_sysctl_set_sctp_delayed_sack_time_default (20);
  usrsctp_sysctl_set_sctp_initial_cwnd (10);
  usrsctp_sysctl_set_sctp_max_burst_default (DC_SCTP_BURST);
  /* Else the burst's limit is also one of the congestion window, which an application that pauses for a moment then loses. */
  usrsctp_sysctl_set_sctp_use_cwnd_based_maxburst (0);
  /* What bounds memory where messages are small: each costs a few hundred bytes. */
  usrsctp_sysctl_set_sctp_max_chunks_on_queue (10240);
}

static void
start_locked (void)
{
  stack.associations = g_hash_table_new (NULL, NULL);
  usrsctp_init_nothreads (0, conn_output_cb, NULL);
  set_defaults ();
  if (stack.stopped)
    return;
  g_thread_unref (g_thread_new ("dc-sctp", clock_thread, NULL));
  g_thread_unref (g_thread_new ("dc-sctp-pace", pace_thread, NULL));
}

void
dc_sctp_stack_stop_clock (void)
{
  stack.stopped = TRUE;
}

static guintptr
find_address (void)
{
  FreeAddress *free_address = g_queue_peek_head (&stack.free_addresses);
  guintptr address;

  if (free_address == NULL || stack.now - free_address->since < LINGER_MS) {
    usrsctp_register_address ((gpointer) ++stack.last_address);
    return stack.last_address;
  }
  address = free_address->address;
  g_free (g_queue_pop_head (&stack.free_addresses));
  return address;
}

static void
keep_address (guintptr address)
{
  FreeAddress *free_address = g_new (FreeAddress, 1);

  *free_address = (FreeAddress){.address = address, .since = stack.now};
  g_queue_push_tail (&stack.free_addresses, free_address);
}

void
dc_sctp_stack_add (DcSctpAssociation *self)
{
  g_mutex_lock (&stack.lock);
  if (stack.associations == NULL)
    start_locked ();
  self->address = find_address ();
  g_hash_table_insert (stack.associations, (gpointer) self->address, self);
  g_cond_broadcast (&stack.changed);
  g_mutex_unlock (&stack.lock);
}

gboolean
dc_sctp_stack_remove (DcSctpAssociation *self)
{
  gboolean ours;

  g_mutex_lock (&stack.lock);
  g_hash_table_remove (stack.associations, (gpointer) self->address);
  keep_address (self->address);
  while (stack.stopped && (g_queue_remove (&stack.to_push, self) || g_queue_remove (&stack.to_pace, self)))
    self->pins--;
  while (self->pins > 0 && !is_ours)
    g_cond_wait (&stack.changed, &stack.lock);
  ours = self->pins == 0;
  self->orphan = !ours;
  g_mutex_unlock (&stack.lock);
  return ours;
}
