//! Sums that are the same in whatever order their parts come.
//!
//! In: numbers, and how great they are at most. Out: their sum. It must not know what they are.

/// Numbers as multiples of a step, a power of two: their sums are sums of integers, which no order changes.
///
/// A step is 2⁻⁵⁰ of what none of the numbers [reaches](reach), as fine as the last bits of the greatest, and a sum of `n` numbers
/// differs from theirs by half as many steps and its own last bits at most. Steps are coarser only beyond 2,048 numbers, so that
/// all sums find room.
#[derive(Debug, Clone, Copy)]
pub struct FixedPoint {
    /// To this a number is added, so that its multiple of a step stands in the last bits of what comes out: 1.5 times 2⁵²
    /// steps, next to which numbers are a step apart.
    offset: f64,
}

/// Numbers are below two to so many steps, ...
const BITS: u32 = 50;
/// ... and sums of up to so many of them below 2⁶² steps; of more, numbers are below fewer steps.
const MANY: usize = 1 << 11;

impl FixedPoint {
    /// For numbers of which none [reaches](reach) a power of two.
    #[inline(always)]
    pub fn below(reach: f64) -> Self {
        FixedPoint { offset: 1.5 * (1u64 << (52 - BITS)) as f64 * reach }
    }

    /// What a number adds to a sum; added with wrapping.
    #[inline(always)]
    pub fn part(self, number: f64) -> u64 {
        (number + self.offset).to_bits()
    }

    /// The sum of so many parts.
    #[inline(always)]
    pub fn sum(self, sum: u64, parts: usize) -> f64 {
        let offset = self.offset.to_bits();
        let steps = sum.wrapping_sub((parts as u64).wrapping_mul(offset)) as i64;
        steps as f64 * (power_of_two(offset) * f64::EPSILON)
    }
}

/// A power of two that so many numbers do not reach, none of which is further from zero than `greatest`. Of many it is greater, so
/// that their sum finds room; of products it may be the product of those of their factors, one of them as of a single number.
///
/// It is 2⁻⁴⁹⁹ at least, so that the steps of products are no less than numbers can be, and not finite where `greatest` is not,
/// nor are sums then.
#[inline(always)]
pub fn reach(greatest: f64, numbers: usize) -> f64 {
    let many = (numbers.next_power_of_two() / MANY).max(1);
    2.0 * power_of_two(greatest.to_bits().max(LEAST)) * many as f64
}

const LEAST: u64 = (1023 - 500) << 52;

/// The greatest power of two that is not above a number, given by its bits.
#[inline(always)]
fn power_of_two(bits: u64) -> f64 {
    f64::from_bits(bits & 0x7ff << 52)
}

/// How far numbers are from zero at most.
#[inline(always)]
pub fn greatest(numbers: &[f64]) -> f64 {
    // Eight side by side: a processor compares one while it waits for another.
    let (eights, rest) = numbers.as_chunks::<8>();
    let mut most = [0.0; 8];
    let greater = |most: &mut f64, number: f64| *most = if number.abs() > *most { number.abs() } else { *most };
    for eight in eights {
        most.iter_mut().zip(eight).for_each(|(most, &number)| greater(most, number));
    }
    most.iter_mut().zip(rest).for_each(|(most, &number)| greater(most, number));
    for half in [4, 2, 1] {
        for k in 0..half {
            most[k] = if most[k + half] > most[k] { most[k + half] } else { most[k] };
        }
    }
    most[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(numbers: &[f64], greatest: f64) -> f64 {
        let fixed = FixedPoint::below(reach(greatest, numbers.len()));
        let parts = numbers.iter().fold(0u64, |sum, &number| sum.wrapping_add(fixed.part(number)));
        fixed.sum(parts, numbers.len())
    }

    #[test]
    fn sums_of_few_bits_are_exact() {
        assert_eq!(sum(&[], 0.0), 0.0);
        assert_eq!(sum(&[0.0, 0.0], 0.0), 0.0);
        assert_eq!(sum(&[0.5, -3.25, 1e6, 7.0], 1e6), 1_000_004.25);
        assert_eq!(sum(&[1024.0, 1024.0, -0.25], 1024.0), 2047.75);
        // As many as there is room for without coarser steps, and more.
        for parts in [2048, 2049, 100_000] {
            assert_eq!(sum(&vec![-1023.5; parts], 1023.5), -1023.5 * parts as f64);
        }
        assert!(!sum(&[1.0, f64::INFINITY], f64::INFINITY).is_finite());
        for exponent in [-300, -40, 0, 40, 250] {
            let unit = f64::powi(2.0, exponent);
            assert_eq!(sum(&[3.0 * unit, -7.0 * unit, unit], 7.0 * unit), -3.0 * unit);
        }
    }

    proptest! {
        #[test]
        fn no_order_changes_a_sum(
            numbers in prop::collection::vec(prop_oneof![-1.0..1.0, -1e3..1e3, -1e-9..1e-9], 0..3000),
            turned in 0usize..3000,
        ) {
            let greatest = greatest(&numbers);
            prop_assert_eq!(greatest, numbers.iter().fold(0.0, |most: f64, v| most.max(v.abs())));
            let found = sum(&numbers, greatest);
            // Against sums of numbers in the order of their size, which lose least.
            let mut sorted = numbers.clone();
            sorted.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
            let plain: f64 = sorted.iter().sum();
            prop_assert!((found - plain).abs() <= numbers.len() as f64 * greatest * 2f64.powi(-49), "{} {}", found, plain);
            prop_assert_eq!(sum(&sorted, greatest).to_bits(), found.to_bits());
            let (first, second) = numbers.split_at(turned.min(numbers.len()));
            prop_assert_eq!(sum(&[second, first].concat(), greatest).to_bits(), found.to_bits());
        }
    }
}
