export type Solved = { slopes: number[]; constant: number };

/** Ordinary least squares with a constant, centred, by elimination with pivots; null where columns depend. */
export function leastSquares(xs: readonly Float64Array[], y: Float64Array): Solved | null {
  const means = xs.map(mean);
  const centred = xs.map((values, index) => values.map((value) => value - (means[index] ?? 0)));
  const middle = mean(y);
  const target = y.map((value) => value - middle);
  const rows = centred.map((one) => [...centred.map((other) => dot(one, other)), dot(one, target)]);
  const slopes = eliminate(rows);
  if (slopes === null) return null;
  return {
    slopes,
    constant: middle - slopes.reduce((sum, slope, index) => sum + slope * (means[index] ?? 0), 0),
  };
}

function eliminate(rows: number[][]): number[] | null {
  const size = rows.length;
  for (let at = 0; at < size; at++) {
    const column = (row: number[]) => Math.abs(row[at] ?? 0);
    const pivot = rows
      .slice(at)
      .reduce((best, row) => (column(row) > column(best) ? row : best), rows[at] ?? []);
    rows.splice(rows.indexOf(pivot), 1);
    rows.splice(at, 0, pivot);
    const head = pivot[at] ?? 0;
    if (head === 0 || !Number.isFinite(head)) return null;
    for (const [index, row] of rows.entries()) {
      if (index === at) continue;
      const factor = (row[at] ?? 0) / head;
      for (let cell = at; cell <= size; cell++) row[cell] = (row[cell] ?? 0) - factor * (pivot[cell] ?? 0);
    }
  }
  return rows.map((row, index) => (row[size] ?? 0) / (row[index] ?? 1));
}

/** Mean 0 and length 1, so that a dot product is a correlation; null where nothing varies. */
export function standardised(values: Float64Array): Float64Array | null {
  const middle = mean(values);
  const centred = values.map((value) => value - middle);
  const length = Math.sqrt(dot(centred, centred));
  const constant = !(length > 1e-9 * Math.abs(middle) * Math.sqrt(values.length));
  return constant ? null : centred.map((value) => value / length);
}

export function spread(values: Float64Array): number {
  const middle = mean(values);
  return Math.sqrt(
    values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / Math.max(1, values.length),
  );
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

export function dot(one: Float64Array, other: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < one.length; at++) sum += (one[at] ?? 0) * (other[at] ?? 0);
  return sum;
}

export function take(values: Float64Array, rows: Int32Array): Float64Array {
  return Float64Array.from(rows, (row) => values[row] ?? Number.NaN);
}
