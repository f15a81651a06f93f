/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-element.h: a pipeline around one of our elements, over a fake peer. */
#pragma once

#include "tests/harness/dc-fake-peer.h"

G_BEGIN_DECLS

/* Begins as zeros; a test case keeps it with g_auto. The element under test is named dc. Everything waits under the watchdog. */
typedef struct {
  GstElement *pipeline;
  GstBus *bus;
  DcPeer *peer;       /* (nullable): of dc, once started */
  DcChannel *channel; /* (nullable): of dc, once open */
} DcTestElement;

/* Makes the pipeline and starts the watchdog. */
void dc_test_element_launch (DcTestElement *f, const char *description);
/* Makes it, plays it, and waits for its peer. */
void dc_test_element_start (DcTestElement *f, const char *description);
/* The same, and opens dc's channel. */
void dc_test_element_play (DcTestElement *f, const char *description);
void dc_test_element_stop (DcTestElement *f);
/* Stops and frees everything; checks that the peer was stopped and that nothing keeps dc. */
void dc_test_element_clear (DcTestElement *f);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DcTestElement, dc_test_element_clear)

/* (transfer none) */
GstElement *dc_test_element_get (DcTestElement *f, const char *name);

/* The next message of @types; what comes before is dropped. (transfer full) */
GstMessage *dc_test_element_wait_message (DcTestElement *f, GstMessageType types);
/* The pipeline ends without an error. */
void dc_test_element_wait_eos (DcTestElement *f);
/* It ends with this one. */
void dc_test_element_wait_error (DcTestElement *f, GstResourceError code, const char *sentence);
gboolean dc_test_element_has_message (DcTestElement *f, GstMessageType types);
/* Drops a reference, and waits until nobody keeps the object, but for what may be running at the moment. */
void dc_test_unref_last (gpointer object);

/* The far side was told that the stream broke off, and why: @hint is part of that. */
void dc_test_assert_aborted (DcChannel *channel, const char *hint);

G_END_DECLS
