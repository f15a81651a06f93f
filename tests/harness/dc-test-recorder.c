/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-recorder.c: a signaling client whose signals are written down. */
#include "tests/harness/dc-test-recorder.h"
#include "tests/harness/dc-test.h"
#include <string.h>

void
dc_test_recorder_begin (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  dc_test_watchdog_start (30);
}

void
dc_test_recorder_end (void)
{
  GMainContext *context = g_main_context_get_thread_default ();

  while (g_main_context_iteration (context, FALSE))
    ;
  g_main_context_pop_thread_default (context);
  dc_test_watchdog_stop ();
}

static void
assert_alive (DcTestRecorder *recorder)
{
  g_assert_false (recorder->closed);
  g_assert_null (recorder->failed);
}

static void
registered_cb (DcSignalingClient *client, DcMessage *welcome, DcTestRecorder *recorder)
{
  assert_alive (recorder);
  g_assert_false (recorder->is_registered);
  g_assert_nonnull (dc_signaling_client_get_transport_name (client));
  recorder->is_registered = TRUE;
  recorder->n_registered++;
  recorder->n_resumed += welcome->resumed ? 1 : 0;
  g_clear_pointer (&recorder->welcome, dc_message_unref);
  recorder->welcome = dc_message_ref (welcome);
}

static void
message_cb (DcSignalingClient *client, DcMessage *message, DcTestRecorder *recorder)
{
  assert_alive (recorder);
  g_assert_true (recorder->is_registered);
  g_ptr_array_add (recorder->messages, dc_message_ref (message));
}

static void
disconnected_cb (DcSignalingClient *client, GError *error, guint retry_ms, DcTestRecorder *recorder)
{
  assert_alive (recorder);
  g_test_message ("disconnected: %s (again in %u ms)", error->message, retry_ms);
  g_assert_cmpuint (retry_ms, <=, 10000);
  recorder->is_registered = FALSE;
  recorder->n_disconnected++;
  g_clear_error (&recorder->disconnected);
  recorder->disconnected = g_error_copy (error);
}

static void
failed_cb (DcSignalingClient *client, GError *error, DcTestRecorder *recorder)
{
  assert_alive (recorder);
  g_test_message ("failed: %s", error->message);
  recorder->is_registered = FALSE;
  recorder->failed = g_error_copy (error);
}

static void
closed_cb (DcSignalingClient *client, DcTestRecorder *recorder)
{
  g_assert_false (recorder->closed);
  recorder->closed = TRUE;
}

DcTestRecorder *
dc_test_recorder_new (const DcSignalingConfig *config)
{
  DcTestRecorder *recorder = g_new0 (DcTestRecorder, 1);
  g_autoptr (GError) error = NULL;

  recorder->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_message_unref);
  recorder->client = dc_signaling_client_new (config, &error);
  g_assert_no_error (error);
  g_signal_connect (recorder->client, "registered", G_CALLBACK (registered_cb), recorder);
  g_signal_connect (recorder->client, "message", G_CALLBACK (message_cb), recorder);
  g_signal_connect (recorder->client, "disconnected", G_CALLBACK (disconnected_cb), recorder);
  g_signal_connect (recorder->client, "failed", G_CALLBACK (failed_cb), recorder);
  g_signal_connect (recorder->client, "closed", G_CALLBACK (closed_cb), recorder);
  dc_signaling_client_start (recorder->client);
  return recorder;
}

DcTestRecorder *
dc_test_recorder_new_simple (const char *uri, const char *room, const char *id, DcSignalingTransport transport)
{
  DcSignalingConfig config = {.uri = uri, .room = room, .id = id, .transport = transport};

  return dc_test_recorder_new (&config);
}

void
dc_test_recorder_free (DcTestRecorder *recorder)
{
  if (!recorder->closed)
    dc_signaling_client_close (recorder->client, "the test is over");
  dc_test_recorder_wait (recorder->closed);
  g_signal_handlers_disconnect_by_data (recorder->client, recorder);
  g_assert_finalize_object (recorder->client);
  g_clear_pointer (&recorder->welcome, dc_message_unref);
  g_ptr_array_unref (recorder->messages);
  g_clear_error (&recorder->disconnected);
  g_clear_error (&recorder->failed);
  g_free (recorder);
}

DcMessage *
dc_test_recorder_take (DcTestRecorder *recorder, DcMessageType type)
{
  for (;;) {
    dc_test_recorder_wait (recorder->messages->len > 0);
    DcMessage *message = g_ptr_array_steal_index (recorder->messages, 0);
    if (message->type == type)
      return message;
    dc_message_unref (message);
  }
}

void
dc_test_recorder_send (DcTestRecorder *recorder, DcMessageType type, const char *to, const char *text)
{
  g_autoptr (DcMessage) message = dc_message_new (type);
  g_autoptr (GError) error = NULL;

  message->to = g_strdup (to);
  if (type == DC_MESSAGE_OFFER || type == DC_MESSAGE_ANSWER)
    message->sdp = g_strdup (text);
  else if (type == DC_MESSAGE_CANDIDATE)
    message->candidate = g_strdup (text);
  dc_signaling_client_send (recorder->client, message, &error);
  g_assert_no_error (error);
}

void
dc_test_assert_says (const GError *error, DcSignalingError code, const char *part)
{
  g_assert_error (error, DC_SIGNALING_ERROR, (gint) code);
  if (strstr (error->message, part) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, part);
}
