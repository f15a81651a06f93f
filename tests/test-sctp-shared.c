/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sctp-shared.c: what the elements of an association are told of its states, when one leaves. */
#include "plugins/transport/gst-sctp-shared.h"

#include "plugins/transport/dc-sctp-stack.h"
#include "tests/harness/dc-test.h"

typedef struct {
  GstDcSctpShared *shared[GST_DC_SCTP_ROLES]; /* the same one, as either has joined */
  GstElement *elements[GST_DC_SCTP_ROLES];
  GArray *told; /* (element-type DcSctpState): to sctpenc */
} Fixture;

static Fixture *fixture;

/* sctpdec leaves as soon as it is told something. */
static void
state_cb (DcSctpState state, gpointer element)
{
  if (element == fixture->elements[GST_DC_SCTP_ROLE_DEC])
    gst_dc_sctp_shared_leave (fixture->shared[GST_DC_SCTP_ROLE_DEC], GST_DC_SCTP_ROLE_DEC);
  else
    g_array_append_val (fixture->told, state);
}

static void
output_cb (DcPacket *packets, guint n, gpointer element)
{
}

static void
writable_cb (gpointer element)
{
}

static void
set_up (Fixture *f, gconstpointer data)
{
  static const DcSctpCallbacks callbacks = {.output = output_cb, .state = state_cb, .writable = writable_cb};

  dc_test_watchdog_start (30);
  fixture = f;
  f->told = g_array_new (FALSE, FALSE, sizeof (DcSctpState));
  for (guint role = 0; role < GST_DC_SCTP_ROLES; role++) {
    f->elements[role] = gst_object_ref_sink (gst_bin_new (NULL));
    f->shared[role] = gst_dc_sctp_shared_join (f->elements[role], role, 7, 5000, &callbacks);
  }
  g_assert_true (f->shared[GST_DC_SCTP_ROLE_ENC] == f->shared[GST_DC_SCTP_ROLE_DEC]);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  for (guint role = 0; role < GST_DC_SCTP_ROLES; role++) {
    gst_dc_sctp_shared_leave (f->shared[role], role);
    gst_dc_sctp_shared_unref (f->shared[role]);
    gst_object_unref (f->elements[role]);
  }
  g_array_unref (f->told);
  dc_test_watchdog_stop ();
}

/* It is over: that is the last thing the other hears, though it was just about to hear of the beginning. */
static void
test_last_word (Fixture *f, gconstpointer data)
{
  for (guint role = 0; role < GST_DC_SCTP_ROLES; role++)
    gst_dc_sctp_shared_begin (f->shared[role], role);
  g_assert_cmpuint (f->told->len, ==, 1);
  g_assert_cmpint (g_array_index (f->told, DcSctpState, 0), ==, DC_SCTP_SHUT);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  dc_sctp_stack_stop_clock ();
  g_test_add ("/sctp-shared/last-word", Fixture, NULL, set_up, test_last_word, tear_down);
  return g_test_run ();
}
