/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-gst-dtls-output.c: what dtlsdec gives by its pad when two threads have something at once. */
#include "plugins/transport/gst-dtls-output.h"
#include "tests/harness/dc-test-gate.h"
#include "tests/harness/dc-test.h"

/* Long enough for the other thread to go past, if it can. */
#define YIELDS 10000

typedef struct {
  GstElement *element;
  GstPad *src, *sink;
  GstDcDtlsOutput output;
  GThread *other;
  DcTestGate begun;
  gint n_buffers; /* (atomic) */
} Fixture;

static void
give (Fixture *self)
{
  g_autoptr (GPtrArray) buffers = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);

  g_ptr_array_add (buffers, gst_buffer_new_allocate (NULL, 1, NULL));
  g_assert_cmpint (gst_dc_dtls_output_give (&self->output, buffers), ==, GST_FLOW_OK);
}

static gpointer
give_too (gpointer data)
{
  Fixture *self = data;

  dc_test_gate_open (&self->begun);
  give (self);
  return NULL;
}

/* The segment is known at the pad, and has not come to the far side yet. */
static GstPadProbeReturn
on_segment (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Fixture *self = user_data;

  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) != GST_EVENT_SEGMENT || self->other != NULL)
    return GST_PAD_PROBE_OK;
  self->other = g_thread_new ("other", give_too, self);
  dc_test_gate_wait (&self->begun);
  for (guint i = 0; i < YIELDS; i++)
    g_thread_yield ();
  return GST_PAD_PROBE_OK;
}

static GstFlowReturn
take (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  Fixture *self = gst_pad_get_element_private (pad);
  g_autoptr (GstEvent) segment = gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);

  g_assert_nonnull (segment);
  g_atomic_int_inc (&self->n_buffers);
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static void
set_up (Fixture *self, gconstpointer unused)
{
  self->element = gst_object_ref_sink (gst_bin_new (NULL));
  self->src = gst_object_ref_sink (gst_pad_new ("src", GST_PAD_SRC));
  self->sink = gst_object_ref_sink (gst_pad_new ("sink", GST_PAD_SINK));
  gst_pad_set_element_private (self->sink, self);
  gst_pad_set_chain_function (self->sink, take);
  gst_pad_add_probe (self->src, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_segment, self, NULL);
  gst_pad_link (self->src, self->sink);
  gst_pad_set_active (self->sink, TRUE);
  gst_pad_set_active (self->src, TRUE);
  gst_dc_dtls_output_init (&self->output, self->element);
  g_assert_true (gst_dc_dtls_output_set_pad (&self->output, self->src));
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  gst_pad_set_active (self->src, FALSE);
  gst_pad_set_active (self->sink, FALSE);
  gst_dc_dtls_output_clear (&self->output);
  gst_object_unref (self->sink);
  gst_object_unref (self->src);
  gst_object_unref (self->element);
}

static void
test_first (Fixture *self, gconstpointer unused)
{
  give (self);
  g_thread_join (self->other);
  g_assert_cmpint (g_atomic_int_get (&self->n_buffers), ==, 2);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  g_test_add ("/gst-dtls-output/first", Fixture, NULL, set_up, test_first, tear_down);
  return g_test_run ();
}
