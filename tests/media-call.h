/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* media-call.h: two webrtcbins of this process with audio and video both ways, and a data channel. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* What a side sends; for media_call_new(). */
#define MEDIA_AUDIO                                                                                                    \
  " audiotestsrc is-live=true ! opusenc ! rtpopuspay pt=97 !"                                                          \
  " application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000 ! w."
#define MEDIA_VIDEO                                                                                                    \
  " videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=30/1 ! vp8enc deadline=1 ! rtpvp8pay pt=96" \
  " ! application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000 ! w."

typedef struct _MediaSide MediaSide;
struct _MediaSide {
  MediaSide *other;
  GstElement *pipeline, *bin;
  GObject *channel; /* (nullable) */
  char *sdp;        /* (nullable): what it said */
  GMutex lock;
  GString *received; /* on the channel */
  char *error;       /* (nullable): the first of its pipeline */
  gint audio, video; /* atomic: frames that have come */
  gint is_open;      /* atomic */
};

typedef struct {
  MediaSide caller, called;
  guint log_handler;
} MediaCall;

/* The first element that is missing for both, or NULL. */
const char *media_call_missing (void);
/* @media: of both. The default main context is woken when something comes. */
MediaCall *media_call_new (const char *media);
void media_call_free (MediaCall *call);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaCall, media_call_free)
/* A hundred messages each way; waits for them in the default main context. */
void media_call_talk (MediaCall *call);
/* (transfer full) (nullable): the first error of a pipeline. */
char *media_call_dup_error (MediaCall *call);

G_END_DECLS
