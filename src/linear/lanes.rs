//! Functions of eight numbers at a time.
//!
//! Written without branches and calls, so that compilers make vector instructions of them; every processor gives the same
//! bits.

#![expect(clippy::needless_range_loop, reason = "plain loops over lanes are what becomes vector instructions")]

pub(super) const LANES: usize = 8;

/// Numbers side by side, one an output.
pub(super) type Lanes = [f64; LANES];

/// Beyond this a score says nothing more; its exponential is no subnormal number, nor are products of a few.
pub(super) const FARTHEST: f64 = 300.0;

/// e^x for -300 ≤ x ≤ 300, and its value there beyond, to about fourteen digits: of x = n ln 2 + r, 2^n times Taylor's
/// polynomial of r, its terms paired off so that they need not wait for each other (Estrin's scheme).
#[inline(always)]
pub(super) fn exp(x: f64) -> f64 {
    /// Adding it rounds to a whole number, which then stands in the last bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    /// Its last bits are zero, so that a whole number times it is exact.
    const LN_2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
    /// What ln 2 has beyond that, and beyond what one number can say of it.
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    const BIAS: u64 = 1023 << 52;
    let x = if x < FARTHEST { x } else { FARTHEST };
    let x = if x > -FARTHEST { x } else { -FARTHEST };
    let rounded = x * std::f64::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    let (r2, r4) = (r * r, (r * r) * (r * r));
    let first = (1.0 + r) + (1.0 / 2.0 + r * (1.0 / 6.0)) * r2;
    let second = (1.0 / 24.0 + r * (1.0 / 120.0)) + (1.0 / 720.0 + r * (1.0 / 5_040.0)) * r2;
    let third = (1.0 / 40_320.0 + r * (1.0 / 362_880.0)) + (1.0 / 3_628_800.0 + r * (1.0 / 39_916_800.0)) * r2;
    let power = f64::from_bits((rounded.to_bits() << 52).wrapping_add(BIAS));
    power * (first + (second + third * r4) * r4)
}

/// The logistic function of -s: how wrong an answer is that has the score s.
#[inline(always)]
pub(super) fn wrong(scores: &Lanes) -> Lanes {
    let mut out = [0.0; LANES];
    for k in 0..LANES {
        out[k] = 1.0 / (1.0 + exp(scores[k]));
    }
    out
}

/// Turns scores into probabilities that sum to one, in place.
#[inline(always)]
pub(super) fn softmax(scores: &mut [Lanes]) {
    let by = 1.0 / exponentials(scores, highest(scores));
    for lanes in scores {
        for k in 0..LANES {
            lanes[k] *= by;
        }
    }
}

/// Turns scores into the exponentials of what they are above `zero`, in place; gives their sum.
#[inline(always)]
pub(super) fn exponentials(scores: &mut [Lanes], zero: f64) -> f64 {
    let mut sums = [0.0; LANES];
    for lanes in scores {
        for k in 0..LANES {
            lanes[k] = exp(lanes[k] - zero);
            sums[k] += lanes[k];
        }
    }
    sum(&sums)
}

#[inline(always)]
pub(super) fn highest(scores: &[Lanes]) -> f64 {
    let mut highest = scores[0];
    for lanes in scores {
        for k in 0..LANES {
            highest[k] = larger(lanes[k], highest[k]);
        }
    }
    most(&highest)
}

/// The greater, without regard to what is no number.
#[inline(always)]
pub(super) fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

#[inline(always)]
pub(super) fn most(lanes: &Lanes) -> f64 {
    join(lanes, larger)
}

#[inline(always)]
pub(super) fn sum(lanes: &Lanes) -> f64 {
    join(lanes, |a, b| a + b)
}

/// Joins halves until one number is left.
#[inline(always)]
fn join(lanes: &Lanes, two: impl Fn(f64, f64) -> f64) -> f64 {
    let mut half = [0.0; LANES / 2];
    for k in 0..LANES / 2 {
        half[k] = two(lanes[k], lanes[k + LANES / 2]);
    }
    two(two(half[0], half[2]), two(half[1], half[3]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_those_of_the_c_library() {
        for x in (-30_000..=30_000).map(|x| f64::from(x) / 100.0) {
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-14, "{x}: {} is not {}", exp(x), x.exp());
        }
        assert_eq!((exp(0.0), exp(1e9), exp(-1e300)), (1.0, exp(300.0), exp(-300.0)));
    }

    #[test]
    fn probabilities_worked_by_hand() {
        // e^(ln 3) = 3: the odds are three to one.
        let three = 3f64.ln();
        let p = wrong(&[three, -three, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-15;
        assert!(near(p[0], 0.25) && near(p[1], 0.75) && near(p[2], 0.5));
        // Of ten classes the last has three times the odds of each of the others; two lanes of sixteen are filled up.
        let mut p = [[0.0; LANES]; 2];
        p[1][1] = three;
        p[1][2..].fill(-1e300);
        softmax(&mut p);
        assert!(near(p[0][0], 1.0 / 12.0) && near(p[1][1], 0.25) && p[1][2] < 1e-100);
    }
}
