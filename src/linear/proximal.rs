//! The best answer of one row, all others held still.
//!
//! With t the row's scores less its own part, s its squared norm and c its cost, a row is best answered with the numbers
//! A = c (y - p) for which z - s A = t, where p is the logistic function of z, or the softmax. The z are the proximal
//! points of the loss.
//!
//! A stake says answer and cost in one number: c for a yes, -c for a no.

use super::lanes::{FARTHEST, LANES, Lanes, exponentials, highest, larger, most, sum, wrong};

/// A step of Newton's method that leaves about its square, at most, in z. Shorter ones would be wasted: a row goes but a
/// part of its way, and comes again.
const NEAR: f64 = 0.1;
const MOST_STEPS: usize = 50;
/// From a good guess Newton's method on all classes at once is there; else the longer way is surer.
const MOST_JOINT_STEPS: usize = 5;

/// What steps are multiplied by before they are compared with [`NEAR`]. An error in z comes back q p (1 - p) times as large:
/// where q is above 10 it has to be smaller, if coming again is to help.
#[inline(always)]
fn strictness(q: f64) -> f64 {
    let by = q / 10.0;
    let by = if by > 1.0 { by } else { 1.0 };
    if by < 10.0 { by } else { 10.0 }
}

/// Of eight independent questions, turns t into the best numbers, and guesses of z into the numbers they would ask for.
#[inline(always)]
pub(super) fn questions(t: &mut Lanes, near: &mut Lanes, stakes: &Lanes, stiffness: f64) {
    // With z for a yes and -z for a no, h(z) = z - q σ(-z) - t rises; it is convex below 0 and concave above, where
    // Newton's method from the side of 0 never passes the root.
    let (mut q, mut low, mut high, mut z) = ([0.0; LANES], [0.0; LANES], [0.0; LANES], [0.0; LANES]);
    for k in 0..LANES {
        let sign = 1f64.copysign(stakes[k]);
        q[k] = stiffness * stakes[k].abs();
        t[k] *= sign;
        z[k] = near[k] * sign;
        let above = 0.5 * q[k] + t[k] > 0.0;
        low[k] = if above && t[k] < 0.0 { 0.0 } else { t[k] };
        high[k] = if !above && t[k] + q[k] > 0.0 { 0.0 } else { t[k] + q[k] };
    }
    let mut p = wrong(&z);
    for k in 0..LANES {
        near[k] = stakes[k] * p[k];
    }
    let mut moved = [f64::INFINITY; LANES];
    for _ in 0..MOST_STEPS {
        for k in 0..LANES {
            let next = z[k] - (z[k] - q[k] * p[k] - t[k]) / (1.0 + q[k] * p[k] * (1.0 - p[k]));
            let next = if next > low[k] { next } else { low[k] };
            let next = if next < high[k] { next } else { high[k] };
            // No question waits for another.
            let next = if moved[k] < NEAR { z[k] } else { next };
            moved[k] = (next - z[k]).abs() * strictness(q[k]);
            z[k] = next;
        }
        p = wrong(&z);
        if most(&moved) < NEAR {
            break;
        }
    }
    for k in 0..LANES {
        t[k] = stakes[k] * p[k];
    }
}

/// Of the classes of one question, likewise. `near` and `t` of lanes beyond the classes are so low that they count for
/// nothing. `z` and `p` are room.
#[inline(always)]
pub(super) fn classes(
    t: &mut [Lanes],
    near: &mut [Lanes],
    stakes: &[Lanes],
    stiffness: f64,
    [z, p]: [&mut [Lanes]; 2],
) {
    let cost = stakes[0][0].abs();
    let q = stiffness * cost;
    z.copy_from_slice(near);
    p.copy_from_slice(near);
    // Exponentials are of what is above the highest guess: a step need not wait until the highest of its own is known.
    let zero = highest(z);
    let mut by = 1.0 / exponentials(p, zero);
    for j in 0..t.len() {
        for k in 0..LANES {
            let y = if stakes[j][k] > 0.0 { 1.0 } else { 0.0 };
            near[j][k] = cost * (y - p[j][k] * by);
            t[j][k] += q * y;
        }
    }
    let mut far = f64::INFINITY;
    for _ in 0..MOST_JOINT_STEPS {
        // The matrix of the equations is 1 + q p on the diagonal, less q p pᵀ: by Sherman and Morrison.
        let (mut steps_sum, mut shares_sum) = ([0.0; LANES], [0.0; LANES]);
        for j in 0..t.len() {
            for k in 0..LANES {
                let probability = p[j][k] * by;
                let share = probability / (1.0 + q * probability);
                shares_sum[k] += share;
                steps_sum[k] += share * (t[j][k] - z[j][k] - q * probability);
                p[j][k] = share;
            }
        }
        let common = q * sum(&steps_sum) / sum(&shares_sum);
        let mut moved = [0.0; LANES];
        for j in 0..t.len() {
            for k in 0..LANES {
                // (t - z - q p + common p) / (1 + q p), where 1 / (1 + q p) is 1 - q share.
                let gap = t[j][k] - z[j][k];
                let step = gap + p[j][k] * (common - q * (1.0 + gap));
                z[j][k] += step;
                p[j][k] = z[j][k];
                moved[k] = larger(step.abs(), moved[k]);
            }
        }
        by = 1.0 / exponentials(p, zero);
        far = most(&moved) * strictness(q);
        if far < NEAR {
            break;
        }
    }
    if far < NEAR && (highest(z) - zero).abs() < FARTHEST / 2.0 {
        for j in 0..t.len() {
            for k in 0..LANES {
                t[j][k] = p[j][k] * by;
            }
        }
    } else {
        by_omega(t.as_flattened_mut(), q);
    }
    for j in 0..t.len() {
        for k in 0..LANES {
            let y = if stakes[j][k] > 0.0 { 1.0 } else { 0.0 };
            t[j][k] = cost * (y - t[j][k]);
        }
    }
}

/// Turns t + q y into the probabilities of the classes, in place, from wherever.
///
/// With λ the logarithm of Σ e^z, q p_k = ω(t_k + q y_k + ln q - λ), where ω is Wright's function; λ is where they sum to
/// q, found by Newton's method, which a convex and falling sum lets end everywhere.
#[cold]
fn by_omega(t: &mut [f64], q: f64) {
    // No p is above 1, so that no z is below t + q y - q.
    let mut lambda = t.iter().copied().fold(f64::NEG_INFINITY, f64::max) - q;
    t.iter_mut().for_each(|t| *t += q.ln());
    for _ in 0..MOST_STEPS {
        let (mut sum, mut slope) = (0.0, 0.0);
        for &x in &*t {
            let omega = omega(x - lambda);
            sum += omega;
            slope += omega / (1.0 + omega);
        }
        let step = (sum - q) / slope.max(f64::MIN_POSITIVE);
        lambda += step;
        if step.abs() < NEAR {
            break;
        }
    }
    t.iter_mut().for_each(|t| *t = omega(*t - lambda));
    let sum: f64 = t.iter().sum();
    t.iter_mut().for_each(|p| *p /= sum);
}

/// Wright's omega function, ω + ln ω = x, to about fifteen digits.
///
/// Source: Lawrence, Corless and Jeffrey 2012, "Algorithm 917: Complex Double-Precision Evaluation of the Wright ω
/// Function", on the real line: a rough value, and their steps of fourth order.
fn omega(x: f64) -> f64 {
    if x < -30.0 {
        return x.exp();
    }
    let mut w = if x < -2.0 {
        let e = x.exp();
        e * (1.0 - e)
    } else if x < 3.0 {
        let d = x - 1.0;
        1.0 + d * (0.5 + d * (0.0625 - d / 192.0))
    } else {
        let l = x.ln();
        x - l + l / x
    };
    for _ in 0..3 {
        let r = x - w - w.ln();
        let s = 1.0 + w;
        let u = 2.0 * s * (s + 2.0 / 3.0 * r);
        w *= 1.0 + r / s * (u - r) / (u - 2.0 * r);
        if r.abs() < 1e-4 {
            break;
        }
    }
    w
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::sigmoid;

    #[test]
    fn omega_is_scipys() {
        // scipy.special.wrightomega
        for (x, w) in SCIPY {
            assert!((omega(x) / w - 1.0).abs() < 1e-13, "{x}: {} is not {w}", omega(x));
        }
    }

    const SCIPY: [(f64, f64); 10] = [
        (-50.0, 1.9287498479639178e-22),
        (-10.0, 4.539786874921544e-05),
        (-2.5, 0.07607221340790257),
        (-2.0, 0.1200282389876412),
        (-1.0, 0.27846454276107374),
        (0.0, 0.5671432904097838),
        (2.9, 2.1394508268614745),
        (3.0, 2.207940031569323),
        (500.0, 493.7978737290337),
        (1e5, 99988.48718966977),
    ];

    #[test]
    fn a_row_is_answered_best_where_its_equation_holds() {
        // z = t + q (y - p) must give p again. An error of 1e-4 in z, more than Newton's last step leaves here, comes back
        // 1 + q p (1 - p) times as large.
        for q in [1e-3, 1.0, 300.0, 1e5] {
            let enough = |p: f64| 1e-4 * (1.0 + q * p * (1.0 - p));
            let scores = [-400.0, -3.0, 0.0, 0.7, 90.0, -400.0, 0.0, 90.0];
            let mut stakes = [q / 2.0; LANES];
            stakes[5..].fill(-q / 2.0);
            let (mut best, mut near) = (scores, [5.0; LANES]);
            questions(&mut best, &mut near, &stakes, 2.0);
            for k in 0..LANES {
                let (t, stake, y) = (scores[k], stakes[k].abs(), f64::from(u8::from(k < 5)));
                let p = y - best[k] / stake;
                let again = sigmoid(t + 2.0 * best[k]);
                assert!((again - p).abs() < enough(p), "t = {t}, q = {q}, {y}: {p} is not {again}");
                assert!((near[k] / stake - (y - sigmoid(5.0))).abs() < 1e-9);
            }
            // Three classes, ten, and guesses that help or mislead.
            for (classes_of, guess) in [(3, [0.0, 40.0]), (10, [0.0, 0.0]), (10, [1e4, -1e4])] {
                for t in scores {
                    let mut scores = vec![-1e300; 2 * LANES];
                    let mut guesses = scores.clone();
                    for k in 0..classes_of {
                        scores[k] = if k == 0 { t } else { k as f64 / 5.0 };
                        guesses[k] = guess[k % 2];
                    }
                    let mut stakes = vec![-q / 2.0; 2 * LANES];
                    stakes[1] = q / 2.0;
                    let in_lanes = |numbers: &[f64]| numbers.as_chunks::<LANES>().0.to_vec();
                    let (mut best, mut near) = (in_lanes(&scores), in_lanes(&guesses));
                    let (mut z, mut p) = (near.clone(), near.clone());
                    classes(&mut best, &mut near, &in_lanes(&stakes), 2.0, [&mut z, &mut p]);
                    let best = best.as_flattened();
                    let mut again: Vec<f64> = (0..classes_of).map(|k| scores[k] + 2.0 * best[k]).collect();
                    crate::linear::softmax(&mut again);
                    for k in 0..classes_of {
                        let p = f64::from(u8::from(k == 1)) - best[k] / (q / 2.0);
                        assert!((p - again[k]).abs() < enough(p), "t = {t}, q = {q}: {p} is not {}", again[k]);
                    }
                }
            }
        }
    }

    #[test]
    fn a_row_that_comes_again_comes_to_its_best() {
        // Odds of 7 to 3 for the answer, from a guess that is far too sure of it; of one question, and of two classes.
        let (z, p, stiffness) = ((7f64 / 3.0).ln(), 0.3, 2.0);
        let pair = |first: f64, second: f64| {
            let mut lanes = [-1e300; LANES];
            lanes[..2].copy_from_slice(&[first, second]);
            vec![lanes]
        };
        for q in [1.0, 100.0, 1e3, 1e4, 1e5] {
            let cost = q / stiffness;
            let mut stakes = [-cost; LANES];
            stakes[0] = cost;
            let (mut sure, mut sure_of_first) = (40.0, pair(40.0, 0.0));
            let (mut one, mut two) = ([0.0; LANES], pair(0.0, 0.0));
            for _ in 0..4 {
                one = [z - q * p; LANES];
                questions(&mut one, &mut [sure; LANES], &[cost; LANES], stiffness);
                sure = z - q * p + stiffness * one[0];
                two = pair(z - q * p, q * p);
                let [mut room, mut rest] = [two.clone(), two.clone()];
                classes(&mut two, &mut sure_of_first, &[stakes], stiffness, [&mut room, &mut rest]);
                sure_of_first = pair(z - q * p + stiffness * two[0][0], q * p + stiffness * two[0][1]);
            }
            for found in [one[0] / cost, two[0][0] / cost] {
                assert!((found - p).abs() < 1e-9, "q = {q}: {found} is not {p}");
            }
        }
    }
}
