/** Standard normal distribution function, through the regularized incomplete gamma function P(1/2, x²/2). */
export function normalCdf(x: number): number {
  const tail = 0.5 * upperGammaHalf((x * x) / 2);
  return x > 0 ? 1 - tail : tail;
}

/** Q(1/2, z) = erfc(√z): series below 1.5, else Lentz's continued fraction (Numerical Recipes 3rd ed., 6.2). */
function upperGammaHalf(z: number): number {
  if (z === 0) return 1;
  const scale = Math.exp(-z) * Math.sqrt(z / Math.PI);
  if (z < 1.5) {
    let term = 2;
    let total = term;
    for (let n = 1; Math.abs(term) > Math.abs(total) * 1e-17; n++) {
      term *= z / (0.5 + n);
      total += term;
    }
    return 1 - scale * total;
  }
  let b = z + 0.5;
  let c = 1e300;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < 500; n++) {
    const a = -n * (n - 0.5);
    b += 2;
    d = 1 / (a * d + b);
    c = b + a / c;
    fraction *= c * d;
    if (Math.abs(c * d - 1) < 1e-16) break;
  }
  return scale * fraction;
}

/** Quantile of Student's t for 0.5 <= p < 1 and a whole number of degrees of freedom, by bisection. */
export function studentQuantile(p: number, degrees: number): number {
  let low = 0;
  let high = 1;
  while (studentCdf(high, degrees) < p) high *= 2;
  for (let step = 0; step < 200 && high - low > 1e-14 * high; step++) {
    const middle = (low + high) / 2;
    if (studentCdf(middle, degrees) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Finite series for whole degrees of freedom (Abramowitz & Stegun 26.7.3 and 26.7.4). */
function studentCdf(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees));
  const cosine = Math.cos(angle);
  const odd = degrees % 2 === 1;
  let term = odd ? cosine : 1;
  let total = degrees === 1 ? 0 : term;
  for (let n = odd ? 3 : 2; n <= degrees - 2; n += 2) {
    term *= ((n - 1) / n) * cosine * cosine;
    total += term;
  }
  const inside = odd ? (2 / Math.PI) * (angle + Math.sin(angle) * total) : Math.sin(angle) * total;
  return 0.5 + inside / 2;
}
