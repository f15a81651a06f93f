/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pipelines.h: pipelines in this process, and the fixture of those across a real data channel. */
#pragma once

#include <gst/gst.h>

#include "tests/harness/dc-test-daemon.h"

G_BEGIN_DECLS

typedef struct {
  DcTestDaemon *daemon;
  char *dir; /* temporary */
} PipelinesFixture;

void pipelines_set_up (PipelinesFixture *f, gconstpointer unused);
void pipelines_tear_down (PipelinesFixture *f, gconstpointer unused);
#define pipelines_add(path, test) g_test_add (path, PipelinesFixture, NULL, pipelines_set_up, test, pipelines_tear_down)

/* (transfer none) */
GstElement *pipeline_get (GstElement *pipeline, const char *name);
void pipeline_stop (GstElement *pipeline);
/* Until @n element messages of that name have come; there is no error before. */
void pipeline_wait_message (GstElement *pipeline, const char *name, guint n);

G_END_DECLS
