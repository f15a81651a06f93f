/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-element.c: a pipeline around one of our elements, over a fake peer. */
#include "tests/harness/dc-test-element.h"

#include <string.h>

#include "tests/harness/dc-test.h"

void
dc_test_element_launch (DcTestElement *f, const char *description)
{
  g_autoptr (GError) error = NULL;

  dc_test_watchdog_start (30);
  f->pipeline = gst_parse_launch (description, &error);
  g_assert_no_error (error);
  f->bus = gst_element_get_bus (f->pipeline);
}

void
dc_test_element_start (DcTestElement *f, const char *description)
{
  dc_test_element_launch (f, description);
  gst_element_set_state (f->pipeline, GST_STATE_PLAYING);
  f->peer = dc_fake_wait_peer ();
}

void
dc_test_element_play (DcTestElement *f, const char *description)
{
  dc_test_element_start (f, description);
  f->channel = dc_fake_peer_open (f->peer);
}

void
dc_test_element_stop (DcTestElement *f)
{
  if (f->pipeline != NULL)
    g_assert_cmpint (gst_element_set_state (f->pipeline, GST_STATE_NULL), ==, GST_STATE_CHANGE_SUCCESS);
}

static GMutex gone_lock;
static GCond gone_cond;

static void
gone_cb (gpointer gone, GObject *where_it_was)
{
  g_mutex_lock (&gone_lock);
  *(gboolean *) gone = TRUE;
  g_cond_signal (&gone_cond);
  g_mutex_unlock (&gone_lock);
}

void
dc_test_unref_last (gpointer object)
{
  gboolean gone = FALSE;

  g_object_weak_ref (object, gone_cb, &gone);
  g_object_unref (object);
  g_mutex_lock (&gone_lock);
  while (!gone)
    g_cond_wait (&gone_cond, &gone_lock);
  g_mutex_unlock (&gone_lock);
}

/* Nothing keeps the element, no handler and no closure. */
static void
free_pipeline (DcTestElement *f)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (f->pipeline), "dc");

  g_clear_object (&f->pipeline);
  dc_test_unref_last (element);
}

void
dc_test_element_clear (DcTestElement *f)
{
  dc_test_element_stop (f);
  if (f->peer != NULL)
    g_assert_true (dc_fake_peer_is_stopped (f->peer));
  g_clear_object (&f->channel);
  g_clear_object (&f->peer);
  g_clear_object (&f->bus);
  if (f->pipeline != NULL)
    free_pipeline (f);
  dc_test_watchdog_stop ();
}

GstElement *
dc_test_element_get (DcTestElement *f, const char *name)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (f->pipeline), name);

  g_assert_nonnull (element);
  gst_object_unref (element); /* the pipeline has it */
  return element;
}

GstMessage *
dc_test_element_wait_message (DcTestElement *f, GstMessageType types)
{
  GstMessage *message = gst_bus_timed_pop_filtered (f->bus, GST_CLOCK_TIME_NONE, types);

  g_assert_nonnull (message);
  return message;
}

void
dc_test_element_wait_eos (DcTestElement *f)
{
  g_autoptr (GstMessage) message = dc_test_element_wait_message (f, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;
  g_autofree char *debug = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, &debug);
  g_test_message ("%s: %s", GST_MESSAGE_SRC_NAME (message), debug);
  g_assert_no_error (error);
}

void
dc_test_element_wait_error (DcTestElement *f, GstResourceError code, const char *sentence)
{
  g_autoptr (GstMessage) message = dc_test_element_wait_message (f, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "error");
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, (int) code);
  g_assert_cmpstr (error->message, ==, sentence);
}

gboolean
dc_test_element_has_message (DcTestElement *f, GstMessageType types)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (f->bus, types);

  return message != NULL;
}

void
dc_test_assert_aborted (DcChannel *channel, const char *hint)
{
  g_autofree char *reason = dc_fake_channel_dup_abort (channel);

  g_assert_nonnull (reason);
  g_assert_nonnull (strstr (reason, hint));
}
