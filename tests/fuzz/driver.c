/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* driver.c: runs a fuzz target without libFuzzer: over each file of a corpus, and over what is near to it.
 *
 * Near: every file cut short, with single bits turned, bytes replaced by telling values, pieces doubled and two files joined.
 * The changes come from a generator with a fixed seed, so that a run that fails fails again. --seed N takes another seed,
 * --runs N another number of changed inputs a file; an input that crashes is left in the file that $FUZZ_LAST_INPUT names. */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_RUNS 2000
#define MAX_PREFIXES 2000
#define LARGEST_INPUT (1 << 20)

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static guint64 n_inputs;

static void
run_one (const guint8 *data, gsize size)
{
  const char *keep = g_getenv ("FUZZ_LAST_INPUT");
  if (keep != NULL)
    g_file_set_contents (keep, (const char *) data, (gssize) size, NULL);

  /* A block of the very size, so that a sanitizer sees the first byte read beyond it. */
  g_autofree guint8 *copy = g_memdup2 (data, size);
  LLVMFuzzerTestOneInput (copy, size);
  n_inputs++;
}

static void
run_prefixes (const GByteArray *file)
{
  guint step = file->len / MAX_PREFIXES + 1;
  for (guint length = 0; length < file->len; length += step)
    run_one (file->data, length);
}

static void
mutate_once (GByteArray *input, GPtrArray *corpus, GRand *rand)
{
  static const guint8 telling[] = {
      0x00, 0x01, 0x7f, 0x80, 0xff, '"', '\\', '{', '}', '[', ']', '-', '0', '9', 0xc0, 0xed};
  if (input->len == 0) {
    g_byte_array_append (input, &telling[g_rand_int_range (rand, 0, G_N_ELEMENTS (telling))], 1);
    return;
  }
  guint at = (guint) g_rand_int_range (rand, 0, (gint32) input->len);
  guint length = 1 + (guint) g_rand_int_range (rand, 0, (gint32) MIN (input->len - at, 64));
  switch (g_rand_int_range (rand, 0, 6)) {
    case 0:
      input->data[at] ^= 1 << g_rand_int_range (rand, 0, 8);
      break;
    case 1:
      input->data[at] = telling[g_rand_int_range (rand, 0, G_N_ELEMENTS (telling))];
      break;
    case 2:
      g_byte_array_remove_range (input, at, MIN (length, input->len - at));
      break;
    case 3: {
      g_autofree guint8 *piece = g_memdup2 (input->data + at, MIN (length, input->len - at));
      g_byte_array_append (input, piece, MIN (length, input->len - at));
      break;
    }
    case 4: {
      const GByteArray *other = g_ptr_array_index (corpus, g_rand_int_range (rand, 0, (gint32) corpus->len));
      g_byte_array_set_size (input, at);
      g_byte_array_append (input, other->data, other->len);
      break;
    }
    default:
      memset (input->data + at, 0xff, MIN (MIN (length, 8), input->len - at));
      break;
  }
  if (input->len > LARGEST_INPUT)
    g_byte_array_set_size (input, LARGEST_INPUT);
}

static void
run_mutations (const GByteArray *file, GPtrArray *corpus, GRand *rand, int runs)
{
  for (int i = 0; i < runs; i++) {
    g_autoptr (GByteArray) input = g_byte_array_new ();
    g_byte_array_append (input, file->data, file->len);
    for (int changes = g_rand_int_range (rand, 1, 5); changes > 0; changes--)
      mutate_once (input, corpus, rand);
    run_one (input->data, input->len);
  }
}

static gboolean
load_file (GPtrArray *corpus, const char *path, GError **error)
{
  char *text = NULL;
  gsize length = 0;
  if (!g_file_get_contents (path, &text, &length, error))
    return FALSE;
  g_ptr_array_add (corpus, g_byte_array_new_take ((guint8 *) text, length));
  return TRUE;
}

static gint
compare_paths (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* In the order of the names, for the same inputs on every machine. */
static gboolean
load_folder (GPtrArray *corpus, const char *folder, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  if (dir == NULL)
    return FALSE;
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  for (const char *name = g_dir_read_name (dir); name != NULL; name = g_dir_read_name (dir))
    g_ptr_array_add (paths, g_build_filename (folder, name, NULL));
  g_ptr_array_sort (paths, compare_paths);
  for (guint i = 0; i < paths->len; i++)
    if (!load_file (corpus, g_ptr_array_index (paths, i), error))
      return FALSE;
  return TRUE;
}

/* Valgrind and the sanitizers say in DC_TEST_SLOWNESS how many times slower they are: that many times fewer. */
static int
get_default_runs (void)
{
  const char *slowness = g_getenv ("DC_TEST_SLOWNESS");
  int divisor = slowness != NULL ? atoi (slowness) : 1;
  return DEFAULT_RUNS / CLAMP (divisor, 1, DEFAULT_RUNS);
}

int
main (int argc, char **argv)
{
  int seed = 1, runs = get_default_runs ();
  const GOptionEntry entries[] = {
      {"seed", 0, 0, G_OPTION_ARG_INT, &seed, "Seed of the changes [1]", "N"},
      {"runs", 0, 0, G_OPTION_ARG_INT, &runs, "Changed inputs a file [2000]", "N"},
      {NULL},
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("CORPUS...");
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) corpus = g_ptr_array_new_with_free_func ((GDestroyNotify) g_byte_array_unref);
  /* A critical is a broken promise of the code under test. */
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING);
  g_option_context_add_main_entries (context, entries, NULL);
  gboolean good = g_option_context_parse (context, &argc, &argv, &error);
  for (int i = 1; good && i < argc; i++)
    good = g_file_test (argv[i], G_FILE_TEST_IS_DIR) ? load_folder (corpus, argv[i], &error)
                                                     : load_file (corpus, argv[i], &error);
  if (!good || corpus->len == 0) {
    g_printerr ("%s\n", error != NULL ? error->message : "The corpus is empty; name a folder or files.");
    return EXIT_FAILURE;
  }

  g_autoptr (GRand) rand = g_rand_new_with_seed ((guint32) seed);
  for (guint i = 0; i < corpus->len; i++) {
    const GByteArray *file = g_ptr_array_index (corpus, i);
    run_one (file->data, file->len);
    run_prefixes (file);
    run_mutations (file, corpus, rand, runs);
  }
  g_print ("%u files, %" G_GUINT64_FORMAT " inputs, no failure\n", corpus->len, n_inputs);
  return EXIT_SUCCESS;
}
