/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-recorder.h: a signaling client whose signals are written down. */
#pragma once

#include "signaling/client/dc-signaling-client.h"

G_BEGIN_DECLS

/* Lives in the thread-default main context; the test reads the fields between iterations. */
typedef struct {
  DcSignalingClient *client;
  DcMessage *welcome;   /* the last */
  GPtrArray *messages;  /* of DcMessage: those not yet taken with dc_test_recorder_take() */
  GError *disconnected; /* the last */
  GError *failed;
  guint n_registered, n_disconnected, n_resumed;
  gboolean is_registered; /* and not disconnected since */
  gboolean closed;
} DcTestRecorder;

/* A main context for the test case, thread-default from now on, and the watchdog. */
void dc_test_recorder_begin (void);
void dc_test_recorder_end (void);

/* Makes a client and starts it. */
DcTestRecorder *dc_test_recorder_new (const DcSignalingConfig *config);
/* The same in a few words: @id may be NULL. */
DcTestRecorder *dc_test_recorder_new_simple (
    const char *uri, const char *room, const char *id, DcSignalingTransport transport);
/* Closes the client unless it is closed, waits for "closed", checks that nobody else holds it. */
void dc_test_recorder_free (DcTestRecorder *recorder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcTestRecorder, dc_test_recorder_free)

/* The context runs until the condition holds. */
#define dc_test_recorder_wait(condition)                                                                               \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    while (!(condition))                                                                                               \
      g_main_context_iteration (g_main_context_get_thread_default (), TRUE);                                           \
  }                                                                                                                    \
  G_STMT_END

/* Waits for the next message of @type, and drops those before it. (transfer full) */
DcMessage *dc_test_recorder_take (DcTestRecorder *recorder, DcMessageType type);
/* Sends; asserts that it was taken. @text: the sdp or the candidate. */
void dc_test_recorder_send (DcTestRecorder *recorder, DcMessageType type, const char *to, const char *text);
/* Asserts that @error is of our domain, has @code and says @part. */
void dc_test_assert_says (const GError *error, DcSignalingError code, const char *part);

G_END_DECLS
