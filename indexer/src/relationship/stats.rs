//! How likely a count is by chance.

/// The probability of `k` or more successes in `n` independent trials, each with probability `p`.
pub fn binomial_tail(k: usize, n: usize, p: f64) -> f64 {
    if k == 0 {
        return 1.0;
    }
    let (ln_p, ln_q) = (p.ln(), (-p).ln_1p());
    let term = |i: usize| (ln_choose(n, i) + i as f64 * ln_p + (n - i) as f64 * ln_q).exp();
    if p >= 1.0 { 1.0 } else { (k..=n).map(term).sum::<f64>().min(1.0) }
}

/// The probability that two sets of `a` and `b` out of `n` things have `k` or more in common (Fisher's exact test).
pub fn overlap_tail(k: usize, a: usize, b: usize, n: usize) -> f64 {
    let all = ln_choose(n, b);
    let term = |i: usize| (ln_choose(a, i) + ln_choose(n - a, b - i) - all).exp();
    let least = k.max((a + b).saturating_sub(n));
    (least..=a.min(b)).map(term).sum::<f64>().min(1.0)
}

/// The probability that a share with a Beta(a, b) distribution is above one half; `a` and `b` are at least 1.
pub fn beta_above_half(a: f64, b: f64) -> f64 {
    const STEPS: usize = 2_000;
    let at = |step: usize| (step as f64 + 0.5) / STEPS as f64;
    let ln = |x: f64| (a - 1.0) * x.ln() + (b - 1.0) * (-x).ln_1p();
    // Only the ratio of two sums counts, so the densities are taken as shares of the highest.
    let top = (0..STEPS).map(|step| ln(at(step))).fold(f64::NEG_INFINITY, f64::max);
    let sum = |steps: std::ops::Range<usize>| steps.map(|step| (ln(at(step)) - top).exp()).sum::<f64>();
    let above = sum(STEPS / 2..STEPS);
    above / (above + sum(0..STEPS / 2))
}

/// Logarithm of the number of ways to choose `k` of `n`.
fn ln_choose(n: usize, k: usize) -> f64 {
    if k > n { f64::NEG_INFINITY } else { ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k) }
}

/// Exact for small numbers, Stirling's series above.
fn ln_factorial(n: usize) -> f64 {
    if n < 32 {
        return (2..=n).map(|i| (i as f64).ln()).sum();
    }
    let x = n as f64;
    x * x.ln() - x + 0.5 * (std::f64::consts::TAU * x).ln() + 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_right() {
        let check = |got: f64, want: f64| assert!((got - want).abs() < 1e-9, "{got} {want}");
        check(binomial_tail(0, 10, 0.5), 1.0);
        check(binomial_tail(10, 10, 0.5), 0.5f64.powi(10));
        check(binomial_tail(5, 10, 0.5), 638.0 / 1024.0);
        check(overlap_tail(2, 2, 2, 4), 1.0 / 6.0);
        check(overlap_tail(1, 2, 2, 4), 5.0 / 6.0);
        check(overlap_tail(0, 3, 3, 4), 1.0);
        let check = |got: f64, want: f64| assert!((got - want).abs() < 1e-5, "{got} {want}");
        check(beta_above_half(1.0, 1.0), 0.5);
        check(beta_above_half(2.0, 1.0), 0.75);
        // Whole numbers are a binomial tail: of a + b - 1 throws at least b are heads.
        check(beta_above_half(9.0, 4.0), binomial_tail(4, 12, 0.5));
        check(beta_above_half(300.0, 300.0), 0.5);
        assert!((binomial_tail(600, 1_000, 0.5) - 1.3642e-10).abs() < 1e-13);
    }
}
