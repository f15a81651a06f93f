/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pipelines.c: pipelines in this process, and the fixture of those across a real data channel. */
#include "tests/pipelines.h"

#include "tests/harness/dc-test.h"

void
pipelines_set_up (PipelinesFixture *f, gconstpointer data)
{
  dc_test_watchdog_start (90);
  f->daemon = dc_test_daemon_new (NULL);
  f->dir = dc_test_make_dir ();
}

void
pipelines_tear_down (PipelinesFixture *f, gconstpointer data)
{
  dc_test_daemon_free (f->daemon);
  dc_test_remove_dir (f->dir);
  dc_test_watchdog_stop ();
}

GstElement *
pipeline_get (GstElement *pipeline, const char *name)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), name);

  g_assert_nonnull (element);
  gst_object_unref (element); /* the pipeline has it */
  return element;
}

void
pipeline_stop (GstElement *pipeline)
{
  g_assert_cmpint (gst_element_set_state (pipeline, GST_STATE_NULL), ==, GST_STATE_CHANGE_SUCCESS);
}

void
pipeline_wait_message (GstElement *pipeline, const char *name, guint n)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);

  while (n > 0) {
    g_autoptr (GstMessage) message =
        gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR);
    g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_ELEMENT);
    n -= gst_message_has_name (message, name);
  }
}
