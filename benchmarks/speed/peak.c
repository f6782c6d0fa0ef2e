// What this machine can do at most: multiply-adds of 32-bit floats in registers, and reading memory.
// Prints {"flops": .., "bytes": ..}, both per second, the best of several tries.
//
// Usage: peak THREADS        (compile with -O3 -march=native -ffp-contract=fast -pthread)

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__AVX512F__)
#define WIDTH 64
#elif defined(__AVX__)
#define WIDTH 32
#else
#define WIDTH 16
#endif
typedef float vec __attribute__((vector_size(WIDTH)));
#define LANES (WIDTH / sizeof(float))

// Enough chains that do not depend on each other: two units with a latency of four or five.
#define CHAINS 12
#define STEPS 20000000L
#define WORDS (64L << 20) /* 256 MB for each thread: far more than caches hold */
#define TRIES 5
#define THREADS_AT_MOST 64

static pthread_barrier_t barrier;
static double flops_s[THREADS_AT_MOST][TRIES], bytes_s[THREADS_AT_MOST][TRIES];
static volatile float sink;

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

static void multiply_add(void) {
  vec sums[CHAINS], factor, term;
  for (size_t i = 0; i < LANES; ++i) factor[i] = 0.999999f, term[i] = 1e-6f * (float)i;
  for (int c = 0; c < CHAINS; ++c) sums[c] = term * (float)c;
  for (long step = 0; step < STEPS; ++step) {
    // Unrolled by hand so that each chain stays in a register.
#define ONE(c) sums[c] = sums[c] * factor + term;
    ONE(0) ONE(1) ONE(2) ONE(3) ONE(4) ONE(5) ONE(6) ONE(7) ONE(8) ONE(9) ONE(10) ONE(11)
  }
  float total = 0;
  for (int c = 0; c < CHAINS; ++c)
    for (size_t i = 0; i < LANES; ++i) total += sums[c][i];
  sink = total;
}

static void read_memory(const vec *words, long count) {
  vec sums[4];
  memset(sums, 0, sizeof sums);
  for (long i = 0; i + 4 <= count; i += 4)
    for (int c = 0; c < 4; ++c) sums[c] += words[i + c];
  sink = sums[0][0] + sums[1][1] + sums[2][2] + sums[3][3];
}

static void *work(void *argument) {
  const long number = (long)(intptr_t)argument;
  float *words = aligned_alloc(WIDTH, WORDS * sizeof(float));
  if (words == NULL) return NULL;
  for (long i = 0; i < WORDS; ++i) words[i] = (float)(i & 7);
  for (int try = 0; try < TRIES; ++try) {
    pthread_barrier_wait(&barrier);
    double started = now();
    multiply_add();
    flops_s[number][try] = now() - started;
    pthread_barrier_wait(&barrier);
    started = now();
    read_memory((const vec *)words, WORDS / (long)LANES);
    bytes_s[number][try] = now() - started;
  }
  free(words);
  return NULL;
}

// The rate of all threads together, by the slowest of them, in the best try.
static double best(double times[][TRIES], long threads, double each) {
  double rate = 0;
  for (int try = 0; try < TRIES; ++try) {
    double slowest = 0;
    for (long t = 0; t < threads; ++t)
      if (times[t][try] > slowest) slowest = times[t][try];
    const double found = each * (double)threads / slowest;
    if (found > rate) rate = found;
  }
  return rate;
}

int main(int argc, char **argv) {
  const long threads = argc == 2 ? atol(argv[1]) : 0;
  if (threads < 1 || threads > THREADS_AT_MOST) {
    fprintf(stderr, "usage: peak THREADS\n");
    return 2;
  }
  pthread_t others[THREADS_AT_MOST];
  pthread_barrier_init(&barrier, NULL, (unsigned)threads);
  for (long t = 1; t < threads; ++t) pthread_create(&others[t], NULL, work, (void *)(intptr_t)t);
  work((void *)0);
  for (long t = 1; t < threads; ++t) pthread_join(others[t], NULL);
  printf("{\"flops\": %.6g, \"bytes\": %.6g}\n",
         best(flops_s, threads, 2.0 * CHAINS * (double)LANES * (double)STEPS),
         best(bytes_s, threads, (double)WORDS * sizeof(float)));
  return 0;
}
