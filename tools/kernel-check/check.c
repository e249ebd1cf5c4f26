// Compares the products of every instruction set with the paper's form, on random shapes, with every buffer at the edge
// of a forbidden page; and the other operations with the portable ones. For sets that no test machine has: built for
// another processor, or with emulated intrinsics (tools/check-kernels).

#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "CSottoKernels.h"

static uint64_t state = 88172645463325252u;

static double uniform(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (double)(state >> 11) * 0x1p-53;
}

static float normal(void) { return (float)(sqrt(-2 * log(uniform() + 1e-300)) * cos(6.283185307179586 * uniform())); }
static size_t between(size_t low, size_t high) { return low + (size_t)(uniform() * (double)(high - low + 1)); }

// Memory that ends where a forbidden page begins, or begins where one ends.
struct guarded {
  void *at;
  void *mapping;
  size_t mapped;
};

static struct guarded guarded(size_t bytes, int at_end) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE), inner = (bytes + page) / page * page;
  struct guarded g = {.mapped = inner + 2 * page};
  g.mapping = mmap(NULL, g.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (g.mapping == MAP_FAILED) exit(2);
  memset(g.mapping, 0xFF, g.mapped);
  mprotect(g.mapping, page, PROT_NONE);
  mprotect((char *)g.mapping + page + inner, page, PROT_NONE);
  g.at = (char *)g.mapping + page + (at_end ? inner - bytes : 0);
  return g;
}

static void release(struct guarded g) { munmap(g.mapping, g.mapped); }

// The error of products of Gaussian columns, relative to the norm that they are expected to have: `norm_squared` is the
// sum of the squares of all weights. (That of the result itself may be small by chance, for few rows.)
static double relative_error(const float *y, const float *exact, size_t count, double norm_squared) {
  double error = 0;
  for (size_t i = 0; i < count; i++) error += ((double)y[i] - exact[i]) * ((double)y[i] - exact[i]);
  return sqrt(error / norm_squared);
}

struct worst {
  double fast_lookup, accurate_lookup, fast_wide, accurate_wide, row;
};

static void raise(double *worst, double error) {
  if (!(error <= *worst)) *worst = error;
}

static void check_product(const struct sotto_kernels *k, int at_end, struct worst *worst) {
  // Bounds are of many rows together: the scales of one may be unlucky in rounding.
  const size_t rows = between(33, 180), inputs = between(1, 900), planes = between(1, 8), columns = between(1, 9);
  const size_t stored = (inputs + 7) / 8;
  const size_t group = uniform() < 0.5 ? stored * 8 : k->group_step * between(1, 8);
  const size_t groups = (inputs + group - 1) / group;
  struct guarded bits = guarded(planes * rows * stored, at_end);
  struct guarded scales = guarded(rows * groups * planes * sizeof(float), at_end);
  struct guarded x = guarded(columns * inputs * sizeof(float), at_end);
  struct guarded exact = guarded(columns * rows * sizeof(float), at_end);
  struct guarded y = guarded(columns * rows * sizeof(float), at_end);
  for (size_t i = 0; i < planes * rows * stored; i++) ((uint8_t *)bits.at)[i] = (uint8_t)between(0, 255);
  for (size_t i = 0; i < rows * groups * planes; i++)
    ((float *)scales.at)[i] =
        sotto_half_to_float(sotto_float_to_half((float)(0.5 + uniform() / 4) / (float)(1 << i % planes)));
  for (size_t i = 0; i < columns * inputs; i++) ((float *)x.at)[i] = normal();
  double norm_squared = 0;
  for (size_t i = 0; i < rows * groups * planes; i++) {
    const size_t first = i / planes % groups * group, count = inputs - first < group ? inputs - first : group;
    norm_squared += (double)(columns * count) * ((float *)scales.at)[i] * ((float *)scales.at)[i];
  }
  float *table = malloc(stored * 256 * sizeof(float));
  sotto_binary_product_reference(bits.at, scales.at, rows, inputs, group, planes, x.at, inputs, columns, table, exact.at,
                                 rows);
  free(table);

  struct guarded packed = guarded(k->binary_bits_bytes(rows, inputs, planes), at_end);
  struct guarded packed_scales =
      guarded(sotto_binary_scales_count(k, rows, inputs, group, planes) * sizeof(uint16_t), at_end);
  k->binary_pack(bits.at, scales.at, rows, inputs, group, planes, packed.at, packed_scales.at);
  const struct sotto_binary_matrix matrix = {rows, inputs, group, planes, packed.at, packed_scales.at};
  const size_t tiles = (rows + k->tile_rows - 1) / k->tile_rows;
  for (int precision = SOTTO_FAST; precision <= SOTTO_ACCURATE; precision++)
    for (int lookup = 0; lookup < 2; lookup++) {
      const size_t bytes =
          lookup ? k->lookup_table_bytes(inputs, precision) : k->wide_column_bytes(inputs, precision);
      if (lookup && bytes == 0) continue;
      if (!lookup && precision == SOTTO_FAST && planes > k->most_fast_planes) continue;
      const size_t stride = (bytes + 63) / 64 * 64;
      struct guarded prepared = guarded(stride * columns, at_end);
      for (size_t c = 0; c < columns && bytes > 0; c++) {
        uint8_t *target = (uint8_t *)prepared.at + c * stride;
        if (lookup)
          k->lookup_build((float *)x.at + c * inputs, inputs, precision, target);
        else
          k->wide_prepare((float *)x.at + c * inputs, inputs, precision, target);
      }
      const struct sotto_columns description = {x.at, inputs, columns, prepared.at, stride};
      memset(y.at, 0xFF, columns * rows * sizeof(float));
      if (lookup) {
        k->lookup_product(&matrix, precision, 0, tiles, &description, y.at, rows);
      } else {
        struct guarded scratch = guarded(k->wide_scratch_bytes(inputs, precision), at_end);
        k->wide_product(&matrix, precision, 0, tiles, &description, scratch.at, y.at, rows);
        release(scratch);
      }
      const double error = relative_error(y.at, exact.at, columns * rows, norm_squared);
      raise(lookup ? (precision == SOTTO_FAST ? &worst->fast_lookup : &worst->accurate_lookup)
                   : (precision == SOTTO_FAST ? &worst->fast_wide : &worst->accurate_wide),
            error);
      release(prepared);
    }

  struct guarded row = guarded(inputs * sizeof(float), at_end);
  for (size_t r = 0; r < rows; r++) {
    k->binary_row(&matrix, r, row.at);
    double sum = 0, size = 0;
    for (size_t i = 0; i < inputs; i++) {
      sum += (double)((float *)row.at)[i] * ((float *)x.at)[i];
      size += fabs((double)((float *)x.at)[i]);
    }
    raise(&worst->row, fabs(sum - ((float *)exact.at)[r]) / size);
  }
  release(row), release(packed), release(packed_scales), release(bits), release(scales), release(x), release(exact);
  release(y);
}

// Largest difference of the other operations from the portable ones.
static double check_operations(const struct sotto_kernels *k) {
  const struct sotto_kernels *p = sotto_kernels_named("portable");
  double worst = 0;
  for (int round = 0; round < 40; round++) {
    const size_t count = between(1, 90), dim = between(1, 70), queries = between(1, 9);
    float a[90 * 70], b[90 * 70], q[9 * 70], u[9 * 70], v[9 * 70];
    for (size_t i = 0; i < 90 * 70; i++) a[i] = normal(), b[i] = normal();
    for (size_t i = 0; i < 9 * 70; i++) q[i] = normal();
    raise(&worst, fabs((double)k->dot(a, b, count) - p->dot(a, b, count)) / 100);
    float largest[2];
    raise(&worst, fabs((double)k->log_sum_exp(a, count, &largest[0]) - p->log_sum_exp(a, count, &largest[1])));
    raise(&worst, fabs((double)largest[0] - largest[1]));
    const struct sotto_kernels *both[2] = {k, p};
    float *out[2] = {u, v};
    for (int i = 0; i < 2; i++) {
      const size_t width = both[i]->panel_rows, padded = (count + width - 1) / width * width;
      float *keys = malloc(padded * dim * sizeof(float)), *weights = malloc(queries * padded * sizeof(float));
      float *values = malloc((dim + width - 1) / width * width * count * sizeof(float));
      both[i]->attention_pack_keys(a, dim, count, dim, keys);
      both[i]->attention_pack_values(b, dim, count, dim, values);
      both[i]->attention(q, dim, queries, keys, values, count, dim, 0.3f, NULL, weights, padded, out[i], dim);
      free(keys), free(weights), free(values);
    }
    for (size_t i = 0; i < queries * dim; i++) raise(&worst, fabs((double)u[i] - v[i]));
    for (int i = 0; i < 2; i++) both[i]->layer_norm(a, 1, dim, b, q, out[i]);
    for (size_t i = 0; i < dim; i++) raise(&worst, fabs((double)u[i] - v[i]));
    float cells[2][20], hidden[2][20];
    for (int i = 0; i < 2; i++) {
      memcpy(cells[i], q, sizeof cells[i]);
      both[i]->lstm_cell(a, b, 1 + count % 20, cells[i], hidden[i]);
    }
    for (size_t j = 0; j < 1 + count % 20; j++) {
      raise(&worst, fabs((double)cells[0][j] - cells[1][j]));
      raise(&worst, fabs((double)hidden[0][j] - hidden[1][j]));
    }
    for (int i = 0; i < 2; i++) memcpy(out[i], q, sizeof q), both[i]->gelu(out[i], dim);
    for (size_t i = 0; i < dim; i++) raise(&worst, fabs((double)u[i] - v[i]));
  }
  for (uint32_t half = 0; half < 0x10000; half++) {
    const uint16_t x = (uint16_t)half;
    uint16_t many[20];
    float y[20];
    for (int i = 0; i < 20; i++) many[i] = x;
    k->half_to_float(many, 20, y);
    const float expected = sotto_half_to_float(x);
    for (int i = 0; i < 20; i++)
      if (!(y[i] == expected || (isnan(y[i]) && isnan(expected)))) raise(&worst, INFINITY);
  }
  return worst;
}

int main(int count, char **arguments) {
  int failed = 0;
  for (int i = 1; i < count; i++) {
    const struct sotto_kernels *k = sotto_kernels_named(arguments[i]);
    if (!k) {
      printf("%s: not on this processor\n", arguments[i]);
      failed = 1;
      continue;
    }
    struct worst worst = {0};
    for (int round = 0; round < 60; round++) check_product(k, round % 2, &worst);
    const double operations = check_operations(k);
    printf("%s: relative error of fast look-up %.1e, accurate %.1e; of many columns fast %.1e, accurate %.1e; rows %.1e;"
           " other operations differ by %.1e from portable\n",
           k->name, worst.fast_lookup, worst.accurate_lookup, worst.fast_wide, worst.accurate_wide, worst.row,
           operations);
    failed |= !(worst.fast_lookup <= 1.2e-2 && worst.fast_wide <= 1.2e-2 && worst.accurate_lookup <= 5e-4 &&
                worst.accurate_wide <= 5e-4 && worst.row <= 1e-5 && operations <= 2e-5);
  }
  return failed;
}
