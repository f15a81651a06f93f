/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtls-pair.h: two ends with a dtlsenc and a dtlsdec each, on a wire that has a thread for each direction. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _GstDtlsPair GstDtlsPair;
typedef struct {
  GstDtlsPair *pair;
  gboolean is_stock;
  GstElement *enc, *dec;
  GstBus *bus;       /* of both */
  GstPad *to_enc;    /* of this test: application data goes in here */
  GstPad *from_dec;  /* and comes out there */
  GstPad *from_wire; /* datagrams */
  GstPad *to_wire;
  GAsyncQueue *wire;     /* (element-type GstMiniObject): on their way here, buffers and lists */
  gint n_put, n_brought; /* of these; atomic */
  gint flow;             /* what dtlsdec said of the last; atomic */
  GThread *thread;       /* that brings them */

  GMutex lock;         /* of what follows */
  GArray *states;      /* (element-type gint): of the dtlsenc, each change */
  GString *received;   /* application data, one after the other */
  guint n_received;    /* buffers */
  guint n_pushes;      /* buffers and lists */
  guint n_datagrams;   /* that this end has sent */
  guint lose;          /* so many of the next are lost */
  gboolean holds;      /* what this end sends is kept, until gst_dtls_end_release() */
  GQueue held;         /* (element-type GstMiniObject) */
  guint n_keys;        /* on-key-received of both */
  gboolean data_ended; /* EOS came behind it */
  gboolean wire_ended;
} GstDtlsEnd;

struct _GstDtlsPair {
  GstDtlsEnd client, server;
};

typedef enum { GST_DTLS_OURS, GST_DTLS_STOCK_CLIENT, GST_DTLS_STOCK_SERVER } GstDtlsKind;

/* gst_dc_dtls_elements_register() comes before. */
GstDtlsPair *gst_dtls_pair_new (GstDtlsKind kind);
void gst_dtls_pair_free (GstDtlsPair *pair);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstDtlsPair, gst_dtls_pair_free)

/* To PLAYING. */
void gst_dtls_end_start (GstDtlsEnd *end);
/* To NULL, from where it can be started again. */
void gst_dtls_end_stop (GstDtlsEnd *end);
void gst_dtls_pair_connect (GstDtlsPair *pair);
/* "@text 0", "@text 1" and so on, as a list if there are several. */
GstFlowReturn gst_dtls_end_send (GstDtlsEnd *end, const char *text, guint n);
/* Puts a datagram on the wire to @end. (transfer full) */
void gst_dtls_end_put (GstDtlsEnd *end, GstMiniObject *object);
/* All that was put on the wire to it has been brought. */
gboolean gst_dtls_end_has_all (GstDtlsEnd *end);
void gst_dtls_end_release (GstDtlsEnd *end);
gint gst_dtls_end_get_state (GstDtlsEnd *end);
gboolean gst_dtls_end_has_been (GstDtlsEnd *end, gint state);
gboolean gst_dtls_end_has_received (GstDtlsEnd *end, const char *text);
/* Under its lock. */
#define gst_dtls_end_read(end, type, expression)                                                                       \
  ({                                                                                                                   \
    type read_result;                                                                                                  \
    g_mutex_lock (&(end)->lock);                                                                                       \
    read_result = (expression);                                                                                        \
    g_mutex_unlock (&(end)->lock);                                                                                     \
    read_result;                                                                                                       \
  })
/* The error that was posted; waits for it. (transfer full) */
char *gst_dtls_end_wait_error (GstDtlsEnd *end);

G_END_DECLS
