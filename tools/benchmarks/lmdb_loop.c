/* The floor under `bench store`: the same writes and reads as plain loops on LMDB, with nothing checked or hashed.
 * cc -O2 -o lmdb_loop lmdb_loop.c -llmdb && ./lmdb_loop ITEMS FOLDER
 * Prints the JSON keys of the benchmark. The rows are made and sorted before the clock starts; items are 16 + 2 × 3
 * bytes as in the store's layout, codes are keys of 2 × 3 + 2 bytes. Two durable transactions, one per direction. */
#include <lmdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct { unsigned char key[8]; char id[18]; } Row;

static uint64_t state;
static uint64_t next(void) {
  uint64_t z = (state += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}
static void check(int code, const char *call) {
  if (code) { fprintf(stderr, "%s: %s\n", call, mdb_strerror(code)); exit(1); }
}
static int byCodes(const void *a, const void *b) { return memcmp(a, b, sizeof(Row)); }

int main(int argc, char **argv) {
  if (argc < 3) { fprintf(stderr, "usage: lmdb_loop ITEMS FOLDER\n"); return 64; }
  size_t count = strtoull(argv[1], NULL, 10);
  Row *rows = malloc(count * sizeof(Row)), *sorted = malloc(count * sizeof(Row));
  for (size_t i = 0; i < count; i++) {
    snprintf(rows[i].id, sizeof rows[i].id, "item-%012zu", i);
    memset(rows[i].key, 0, 8);
    for (int level = 0; level < 3; level++) {
      unsigned code = next() % 8192;
      rows[i].key[2 * level] = code >> 8;
      rows[i].key[2 * level + 1] = code & 255;
    }
  }
  memcpy(sorted, rows, count * sizeof(Row));
  qsort(sorted, count, sizeof(Row), byCodes);

  MDB_env *env; MDB_txn *txn; MDB_dbi items, codes; MDB_cursor *cursor; MDB_val key, value;
  check(mdb_env_create(&env), "create");
  check(mdb_env_set_mapsize(env, 1ull << 34), "mapsize");
  check(mdb_env_set_maxdbs(env, 4), "maxdbs");
  check(mdb_env_open(env, argv[2], 0, 0644), "open");
  check(mdb_txn_begin(env, NULL, 0, &txn), "begin");
  check(mdb_dbi_open(txn, "items", MDB_CREATE, &items), "items");
  check(mdb_dbi_open(txn, "codes", MDB_CREATE | MDB_DUPSORT, &codes), "codes");
  check(mdb_txn_commit(txn), "commit");

  double start = now();
  check(mdb_txn_begin(env, NULL, 0, &txn), "begin");
  check(mdb_cursor_open(txn, items, &cursor), "cursor");
  for (size_t i = 0; i < count; i++) {
    key.mv_data = rows[i].id; key.mv_size = 17; value.mv_size = 22;
    check(mdb_cursor_put(cursor, &key, &value, MDB_APPEND | MDB_RESERVE), "put");
    memset(value.mv_data, 0, 16);
    memcpy((char *)value.mv_data + 16, rows[i].key, 6);
  }
  mdb_cursor_close(cursor);
  check(mdb_txn_commit(txn), "commit");
  check(mdb_txn_begin(env, NULL, 0, &txn), "begin");
  check(mdb_cursor_open(txn, codes, &cursor), "cursor");
  for (size_t i = 0; i < count; i++) {
    key.mv_data = sorted[i].key; key.mv_size = 8; value.mv_data = sorted[i].id; value.mv_size = 17;
    int same = i > 0 && memcmp(sorted[i].key, sorted[i - 1].key, 8) == 0;
    check(mdb_cursor_put(cursor, &key, &value, same ? MDB_APPENDDUP : MDB_APPEND), "put");
  }
  mdb_cursor_close(cursor);
  check(mdb_txn_commit(txn), "commit");
  double publish = now() - start;

  size_t reads = 200000, found = 0;
  /* The ids in the order of reading, so that finding the next one is no random access of its own. */
  char (*ids)[18] = malloc(reads * sizeof *ids);
  for (size_t i = 0; i < reads; i++) memcpy(ids[i], rows[next() % count].id, sizeof *ids);
  check(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), "begin");
  start = now();
  for (size_t i = 0; i < reads; i++) {
    key.mv_data = ids[i]; key.mv_size = 17;
    check(mdb_get(txn, items, &key, &value), "get");
    found += ((unsigned char *)value.mv_data)[21];
  }
  double read = now() - start;
  mdb_txn_abort(txn);
  mdb_env_close(env);
  fprintf(stderr, "%zu\n", found);
  printf("{\"items\": %zu, \"publish_s\": %.3f, \"items_per_s\": %.0f, \"reads_per_s\": %.0f}\n", count, publish,
    count / publish, reads / read);
  return 0;
}
