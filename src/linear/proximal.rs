//! The best answer of one row, all others held still.
//!
//! With t the row's scores less its own part and q its squared norm times its cost, a row is best answered with probabilities p for which z + q (p - y) = t, where p is the logistic function of z, or the softmax.
//! These are the proximal points of the loss.

use super::{sigmoid, softmax};

/// Nearer than this, one more step of Newton's method leaves an error of its square.
const NEAR: f64 = 1e-2;
const MOST_STEPS: usize = 50;

/// The probability of a yes; `near` is a guess of z.
pub(super) fn yes(t: f64, q: f64, y: bool, near: f64) -> f64 {
    // For a yes, h(z) = z - q σ(-z) - t rises; it is convex below 0 and concave above, where Newton's method from the
    // side of 0 never passes the root. A no is a yes to the opposite question.
    let sign = if y { 1.0 } else { -1.0 };
    let t = sign * t;
    let (low, high) = if 0.5 * q + t > 0.0 { (t.max(0.0), t + q) } else { (t, (t + q).min(0.0)) };
    let mut z = (sign * near).clamp(low, high);
    for _ in 0..MOST_STEPS {
        let p = sigmoid(-z);
        let next = (z - (z - q * p - t) / (1.0 + q * p * (1.0 - p))).clamp(low, high);
        let moved = (next - z).abs();
        z = next;
        if moved < NEAR {
            break;
        }
    }
    sigmoid(sign * z)
}

/// Turns t into the probabilities of the classes, in place; `near` are guesses of z.
///
/// With λ the logarithm of Σ e^z, q p_k = ω(t_k + q y_k + ln q - λ), where ω is Wright's function; λ is where they sum to
/// q, found by Newton's method, which a convex and falling sum lets end everywhere.
pub(super) fn classes(t: &mut [f64], q: f64, y: &[bool], near: &[f64]) {
    let most = near.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if q <= 0.0 {
        return softmax(t);
    }
    let mut lambda = most + near.iter().map(|z| (z - most).exp()).sum::<f64>().ln();
    t.iter_mut().zip(y).for_each(|(t, &y)| *t += q.ln() + if y { q } else { 0.0 });
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
        // z = t - q (p - y) must give p again. An error of 1e-4 in z, which Newton's last step may leave, comes back
        // 1 + q p (1 - p) times as large.
        for q in [1e-3, 1.0, 300.0, 1e5] {
            for t in [-400.0, -3.0, 0.0, 0.7, 90.0] {
                let enough = |p: f64| 1e-4 * (1.0 + q * p * (1.0 - p));
                for y in [true, false] {
                    let p = yes(t, q, y, 5.0);
                    let again = sigmoid(t - q * (p - f64::from(u8::from(y))));
                    assert!((again - p).abs() < enough(p), "t = {t}, q = {q}, {y}: {p} is not {again}");
                }
                let mut p = [t, 0.0, 1.0];
                classes(&mut p, q, &[false, true, false], &[0.0, 0.0, 40.0]);
                let mut again = [t - q * p[0], -q * (p[1] - 1.0), 1.0 - q * p[2]];
                softmax(&mut again);
                for (p, again) in p.into_iter().zip(again) {
                    assert!((p - again).abs() < enough(p), "t = {t}, q = {q}: {p} is not {again}");
                }
            }
        }
    }
}
