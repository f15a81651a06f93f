/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sink-patience.c: for how long datachannelsink's receivers wait for those that are slow, in virtual time. */
#include "plugins/gstdatachannelreceivers-private.h"
#include "plugins/gstdatachannelsink.h"
#include "tests/harness/dc-test-sink.h"
#include "tests/harness/dc-test.h"

#define SECOND G_TIME_SPAN_SECOND
#define MILLISECOND G_TIME_SPAN_MILLISECOND
#define MINUTE G_TIME_SPAN_MINUTE

/* Receivers without a pipeline, and the clock. */
typedef struct {
  GstElement *element;
  GstPad *pad;
  GstDataChannelEnd end;
  GstDataChannelReceivers *receivers;
  GstDataChannelWait wait;
  gint64 now;
} Fixture;

static void
fixture_init (Fixture *f, GstDataChannelSlowConsumer policy)
{
  *f = (Fixture){.now = 1000 * SECOND};
  f->element = gst_object_ref_sink (g_object_new (GST_TYPE_DATA_CHANNEL_SINK, NULL));
  f->pad = gst_object_ref_sink (gst_pad_new ("sink", GST_PAD_SINK));
  gst_data_channel_end_init (&f->end, f->element, DC_DIRECTION_SEND);
  f->end.max_channels = 5;
  f->receivers = gst_data_channel_receivers_new (&f->end, f->pad, policy);
}

static void
fixture_clear (Fixture *f)
{
  gst_data_channel_receivers_free (f->receivers);
  gst_data_channel_end_clear (&f->end);
  gst_object_unref (f->pad);
  gst_object_unref (f->element);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fixture, fixture_clear)

/* With room for @items. (transfer full) */
static DcChannel *
join (Fixture *f, const char *id, guint items)
{
  g_autoptr (DcChannelOptions) options = gst_data_channel_end_make_options (&f->end);
  DcChannel *channel = dc_fake_channel_new (options, id, items);

  gst_data_channel_end_publish_channel (&f->end, channel);
  return channel;
}

/* Offers a buffer, and gives to all what they have room for. */
static void
begin_step (Fixture *f)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new_memdup ("x", 1);
  g_autoptr (GError) error = NULL;

  gst_data_channel_end_set_interrupted (&f->end, TRUE); /* so that it does not wait by itself */
  g_assert_false (gst_data_channel_receivers_send (f->receivers, GST_MINI_OBJECT_CAST (buffer), &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_FLUSHING);
  gst_data_channel_end_set_interrupted (&f->end, FALSE);
  f->wait = (GstDataChannelWait){.began = f->now};
  gst_data_channel_receivers_push (f->receivers);
}

/* Everyone has got it, or is waited for no more. */
static void
end_step (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (gst_data_channel_receivers_push (f->receivers));
  g_assert_true (gst_data_channel_receivers_send (f->receivers, NULL, &error));
  g_assert_no_error (error);
}

/* Lets @duration pass in which nobody does anything. */
static void
pass (Fixture *f, gint64 duration)
{
  gint64 until = f->now + duration;

  while (!gst_data_channel_receivers_push (f->receivers) && f->now < until) {
    gint64 deadline = gst_data_channel_receivers_begin_wait (f->receivers, &f->wait, f->now);
    f->now = deadline < 0 ? until : CLAMP (deadline, f->now, until);
    gst_data_channel_receivers_end_wait (f->receivers, &f->wait, f->now);
  }
  f->now = until;
}

/* --- disconnect --------------------------------------------------------------------------------------------------------------------- */

/* In each of @steps, which are @apart, an idle one loses @lost by the slow one. TRUE: that is kept. */
static gboolean
is_kept (gint64 lost, gint64 apart, guint steps)
{
  g_auto (Fixture) f = {0};

  fixture_init (&f, GST_DATA_CHANNEL_SLOW_CONSUMER_DISCONNECT);
  g_autoptr (DcChannel) fast = join (&f, "fast", G_MAXUINT), slow = join (&f, "slow", 0);
  for (guint i = 0; i < steps; i++) {
    begin_step (&f);
    dc_test_take_data (fast, "x");
    pass (&f, lost);
    if (dc_fake_channel_is_closed (slow))
      return FALSE;
    dc_fake_channel_set_window (slow, 1);
    end_step (&f);
    dc_test_take_data (slow, "x");
    dc_fake_channel_set_window (slow, 0);
    f.now += apart - lost;
  }
  return TRUE;
}

static void
test_once (void)
{
  g_assert_true (is_kept (2 * SECOND - MILLISECOND, MINUTE, 10));
  g_assert_false (is_kept (2 * SECOND, MINUTE, 1));
}

/* Who loses less is slowed down for ever. */
static void
test_a_quarter (void)
{
  g_assert_true (is_kept (240 * MILLISECOND, SECOND, 3600));
  g_assert_false (is_kept (260 * MILLISECOND, SECOND, 3600));
}

/* The other one, though it has room for more, is busy with what it has got: it loses nothing. So two that are about as fast as each
 * other are both kept, of which the one that happens to be slower is always waited for. */
static void
test_others_are_busy (void)
{
  g_auto (Fixture) f = {0};

  fixture_init (&f, GST_DATA_CHANNEL_SLOW_CONSUMER_DISCONNECT);
  g_autoptr (DcChannel) busy = join (&f, "busy", G_MAXUINT), slow = join (&f, "slow", 0);
  begin_step (&f);
  pass (&f, 10 * MINUTE);
  g_assert_false (dc_fake_channel_is_closed (slow));
  dc_fake_channel_set_window (slow, 1);
  end_step (&f);
  dc_test_take_data (slow, "x");
  dc_test_take_data (busy, "x");
}

/* Nobody is to blame while all are slow. */
static void
test_nobody_to_blame (void)
{
  g_auto (Fixture) f = {0};

  fixture_init (&f, GST_DATA_CHANNEL_SLOW_CONSUMER_DISCONNECT);
  g_autoptr (DcChannel) a = join (&f, "a", 0), b = join (&f, "b", 0);
  begin_step (&f);
  pass (&f, 10 * MINUTE);
  g_assert_false (dc_fake_channel_is_closed (a));
  g_assert_false (dc_fake_channel_is_closed (b));
  dc_fake_channel_set_window (a, 1);
  dc_fake_channel_set_window (b, 1);
  end_step (&f);
  dc_test_take_data (a, "x");
  dc_test_take_data (b, "x");
}

/* --- drop --------------------------------------------------------------------------------------------------------------------------- */

/* The slow one has @lag to make room in. TRUE: it gets the buffer. */
static gboolean
gets_it_after (gint64 lag)
{
  g_auto (Fixture) f = {0};

  fixture_init (&f, GST_DATA_CHANNEL_SLOW_CONSUMER_DROP);
  g_autoptr (DcChannel) fast = join (&f, "fast", G_MAXUINT), slow = join (&f, "slow", 0);
  begin_step (&f);
  pass (&f, lag);
  dc_fake_channel_set_window (slow, 1);
  end_step (&f);
  g_assert_cmpuint (dc_fake_channel_count (fast), ==, 1);
  return dc_fake_channel_count (slow) == 1;
}

static void
test_jitter (void)
{
  g_assert_true (gets_it_after (19 * MILLISECOND));
  g_assert_false (gets_it_after (20 * MILLISECOND));
}

/* Whoever is the first to have it sets the pace, after however long. */
static void
test_all_slow (void)
{
  g_auto (Fixture) f = {0};

  fixture_init (&f, GST_DATA_CHANNEL_SLOW_CONSUMER_DROP);
  g_autoptr (DcChannel) a = join (&f, "a", 0), b = join (&f, "b", 0);
  begin_step (&f);
  pass (&f, 10 * MINUTE);
  dc_fake_channel_set_window (a, 1);
  pass (&f, 19 * MILLISECOND);
  g_assert_false (gst_data_channel_receivers_push (f.receivers));
  pass (&f, MILLISECOND);
  end_step (&f);
  dc_test_take_data (a, "x");
  g_assert_cmpuint (dc_fake_channel_count (b), ==, 0);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (&argc, &argv);

  g_test_add_func ("/patience/disconnect/once", test_once);
  g_test_add_func ("/patience/disconnect/a-quarter", test_a_quarter);
  g_test_add_func ("/patience/disconnect/others-are-busy", test_others_are_busy);
  g_test_add_func ("/patience/disconnect/nobody-to-blame", test_nobody_to_blame);
  g_test_add_func ("/patience/drop/jitter", test_jitter);
  g_test_add_func ("/patience/drop/all-slow", test_all_slow);
  return g_test_run ();
}
