/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sctp-path.c: what is done to messages on their way into SCTP; elements of ours stand in for sctpenc and sctpdec. */
#include "plugins/peer/dc-sctp-path.h"

#include <gst/sctp/sctpsendmeta.h>
#include <string.h>

#include "tests/harness/dc-test.h"
#include "tests/sctp-packets.h"

#define DCEP_OPEN 0x03

/* --- Elements that take everything ---------------------------------------------------------------------------------------------- */

static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate stream_template =
    GST_STATIC_PAD_TEMPLATE ("sink_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

typedef struct {
  GstElement parent_instance;
  GstBuffer *last; /* (nullable): what came in */
} TestElement;

typedef GstElementClass TestElementClass;
GType test_element_get_type (void);

G_DEFINE_TYPE (TestElement, test_element, GST_TYPE_ELEMENT)

/* The factory that made an element is its class's. */
typedef TestElement TestDecoder;
typedef TestElementClass TestDecoderClass;
GType test_decoder_get_type (void);

G_DEFINE_TYPE (TestDecoder, test_decoder, test_element_get_type ())

static void
test_decoder_class_init (TestDecoderClass *klass)
{
}

static void
test_decoder_init (TestDecoder *self)
{
}

static GstFlowReturn
take_buffer (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  gst_buffer_replace (&((TestElement *) parent)->last, buffer);
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static GstPad *
add_sink (GstElement *element, GstStaticPadTemplate *template, const char *name)
{
  GstPad *pad = gst_pad_new_from_static_template (template, name);
  g_autoptr (GstEvent) start = gst_event_new_stream_start (name), begin = NULL;
  GstSegment segment;

  gst_pad_set_chain_function (pad, take_buffer);
  gst_pad_set_active (pad, TRUE);
  gst_element_add_pad (element, pad);
  gst_segment_init (&segment, GST_FORMAT_BYTES);
  begin = gst_event_new_segment (&segment);
  gst_pad_store_sticky_event (pad, start);
  gst_pad_store_sticky_event (pad, begin);
  return pad;
}

static void
test_element_finalize (GObject *object)
{
  gst_clear_buffer (&((TestElement *) object)->last);
  G_OBJECT_CLASS (test_element_parent_class)->finalize (object);
}

static void
ignore_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
}

static void
test_element_class_init (TestElementClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = test_element_finalize;
  G_OBJECT_CLASS (klass)->set_property = ignore_property;
  g_object_class_install_property (G_OBJECT_CLASS (klass), 1,
      g_param_spec_uint ("sctp-association-id", NULL, NULL, 0, G_MAXUINT16, 0, G_PARAM_WRITABLE));
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_add_static_pad_template (element_class, &stream_template);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_set_static_metadata (element_class, "stands in", "Test", "Stands in for sctpenc and sctpdec", "us");
}

static void
test_element_init (TestElement *self)
{
  gst_element_add_pad (GST_ELEMENT (self), gst_pad_new_from_static_template (&src_template, "src"));
  add_sink (GST_ELEMENT (self), &sink_template, "sink");
}

/* --- A path -------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  GstElement *bin, *sctpenc, *sctpdec;
  DcSctpPath *path;
  guint announced; /* the stream that was, last */
  SctpPackets packets;
} Fixture;

static void
on_error (const char *sentence, gpointer user_data)
{
  g_error ("%s", sentence);
}

static void
ignore (gpointer user_data)
{
}

static void
ignore_number (guint number, gpointer user_data)
{
}

static void
on_announced (guint stream, gpointer user_data)
{
  ((Fixture *) user_data)->announced = stream;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  static const DcSctpPathCallbacks callbacks = {
      on_error, ignore, ignore, ignore, ignore_number, on_announced, ignore_number};

  sctp_set_up (&f->packets, NULL);
  f->bin = gst_object_ref_sink (gst_element_factory_make ("webrtcbin", NULL));
  f->path = dc_sctp_path_new (f->bin, &callbacks, f);
  f->sctpenc = gst_element_factory_make ("sctpenc", NULL);
  f->sctpdec = gst_element_factory_make ("sctpdec", NULL);
  gst_bin_add_many (GST_BIN (f->bin), f->sctpenc, f->sctpdec, NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_signal_handlers_disconnect_by_data (f->bin, f->path);
  dc_sctp_path_free (f->path);
  gst_object_unref (f->bin);
  sctp_tear_down (&f->packets, NULL);
}

/* What comes out of a message that webrtcbin sends so. */
static const GstSctpSendMeta *
send (Fixture *f, GstPad *pad, guint32 ppid, gboolean ordered, const char *text)
{
  GstBuffer *buffer = *text != '\0' ? gst_buffer_new_memdup (text, strlen (text)) : gst_buffer_new ();

  gst_sctp_buffer_add_send_meta (buffer, ppid, ordered, GST_SCTP_SEND_META_PARTIAL_RELIABILITY_RTX, 1);
  g_assert_cmpint (gst_pad_chain (pad, buffer), ==, GST_FLOW_OK);
  return gst_sctp_buffer_get_send_meta (((TestElement *) f->sctpenc)->last);
}

static void
receive_on (Fixture *f, guint stream)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (f->sctpdec, "sink");
  GByteArray *packet = f->packets.packet;

  sctp_begin (&f->packets);
  sctp_add_data (&f->packets, SCTP_WHOLE, 7, stream, SCTP_DCEP, 1);
  g_assert_cmpint (gst_pad_chain (pad, gst_buffer_new_memdup (packet->data, packet->len)), ==, GST_FLOW_OK);
}

/* An unordered message does not overtake what says what its stream is for. */
static void
test_opening (Fixture *f, gconstpointer data)
{
  GstPad *ours = add_sink (f->sctpenc, &stream_template, "sink_3"),
         *other = add_sink (f->sctpenc, &stream_template, "sink_5");

  send (f, ours, SCTP_DCEP, TRUE, (char[]){DCEP_OPEN, 0});
  g_assert_cmpuint (f->announced, ==, 3);
  g_assert_true (send (f, ours, SCTP_BINARY, FALSE, "early")->ordered);
  receive_on (f, 5);
  g_assert_true (send (f, ours, SCTP_BINARY, FALSE, "early")->ordered);
  receive_on (f, 3);
  g_assert_false (send (f, ours, SCTP_BINARY, FALSE, "later")->ordered);
  /* One that both know of, or that the far side has opened. */
  g_assert_false (send (f, other, SCTP_BINARY, FALSE, "at once")->ordered);
  send (f, other, SCTP_DCEP, TRUE, (char[]){0x02, 0});
  g_assert_cmpuint (f->announced, ==, 5);
  g_assert_false (send (f, other, SCTP_BINARY, FALSE, "at once")->ordered);
}

static void
test_mended (Fixture *f, gconstpointer data)
{
  GstPad *pad = add_sink (f->sctpenc, &stream_template, "sink_1");
  const GstSctpSendMeta *meta = send (f, pad, SCTP_BINARY, TRUE, "");

  g_assert_cmpuint (gst_buffer_get_size (((TestElement *) f->sctpenc)->last), ==, 1);
  g_assert_true (meta->ordered);
  g_assert_cmpuint (meta->pr_param, ==, g_htonl (1));
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  gst_element_register (NULL, "sctpenc", GST_RANK_NONE, test_element_get_type ());
  gst_element_register (NULL, "sctpdec", GST_RANK_NONE, test_decoder_get_type ());
  g_test_add ("/sctp-path/opening", Fixture, NULL, set_up, test_opening, tear_down);
  g_test_add ("/sctp-path/mended", Fixture, NULL, set_up, test_mended, tear_down);
  return g_test_run ();
}
