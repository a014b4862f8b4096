//! What the bytes of a text may be, 64 at a time.

#[cfg(target_arch = "x86_64")]
use pulp::x86::V3;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::__m256i;
use wide::u8x64;

/// What 64 bytes may be, a bit for each.
#[derive(Debug, PartialEq)]
pub(super) struct Marks {
    /// White space of ASCII and, if asked for, signs that part.
    pub spaces: u64,
    /// Digits of ASCII.
    pub digits: u64,
    /// First bytes of all other white space, which some letters and signs share.
    pub others: u64,
}

/// A kind of processor that marks bytes.
pub(super) trait Marker: Copy {
    fn marks(self, block: &[u8; 64], signs_part: bool) -> Marks;
}

/// Any processor.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Marker for Portable {
    #[inline(always)]
    fn marks(self, block: &[u8; 64], signs_part: bool) -> Marks {
        let bytes = u8x64::new(*block);
        let all = u8x64::splat;
        // Bytes below the least wrap around.
        let within = |least: u8, greatest: u8| {
            let above = bytes - all(least);
            above.simd_eq(above.min(all(greatest - least)))
        };
        let digits = within(b'0', b'9');
        let mut spaces = bytes.simd_eq(all(b' ')) | within(b'\t', b'\r');
        if signs_part {
            let same = |byte: u8| bytes.simd_eq(all(byte));
            let small = bytes | all(0x20);
            let letters = small.simd_eq(small.max(all(b'a')).min(all(b'z')));
            spaces |= within(0, 0x7f) & !(letters | digits | same(b'\'') | same(b'`') | same(b'-'));
        }
        let others = bytes.simd_eq(all(0xc2)) | within(0xe1, 0xe3);
        Marks { spaces: spaces.to_bitmask(), digits: digits.to_bitmask(), others: others.to_bitmask() }
    }
}

/// One with AVX2.
#[cfg(target_arch = "x86_64")]
impl Marker for V3 {
    #[inline(always)]
    fn marks(self, block: &[u8; 64], signs_part: bool) -> Marks {
        let parting = pulp::cast(if signs_part { [PARTING, PARTING] } else { [SPACES, SPACES] });
        let [first, second] = pulp::cast::<[u8; 64], [__m256i; 2]>(*block);
        let (first, second) = (half_marks(self, first, parting), half_marks(self, second, parting));
        Marks {
            spaces: first.spaces | second.spaces << 32,
            digits: first.digits | second.digits << 32,
            others: first.others | second.others << 32,
        }
    }
}

/// What 32 bytes may be.
///
/// A function, since closures are not always written out where they are called, and outside of it AVX2 is not at hand.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn half_marks(processor: V3, bytes: __m256i, parting: __m256i) -> Marks {
    let (x, y) = (processor.avx, processor.avx2);
    let all = |byte: u8| x._mm256_set1_epi8(byte as i8);
    let mask = |bytes| u64::from(y._mm256_movemask_epi8(bytes) as u32);
    let within = |bytes, least: u8, greatest: u8| {
        let above = y._mm256_sub_epi8(bytes, all(least));
        y._mm256_cmpeq_epi8(above, y._mm256_min_epu8(above, all(greatest - least)))
    };
    let halves = y._mm256_and_si256(y._mm256_srli_epi16::<4>(bytes), all(15));
    let half = y._mm256_shuffle_epi8(pulp::cast([HALVES, HALVES]), halves);
    // For a byte beyond ASCII a shuffle gives zero.
    let parts = y._mm256_and_si256(y._mm256_shuffle_epi8(parting, bytes), half);
    let spaces = y._mm256_cmpeq_epi8(parts, half);
    let others = y._mm256_or_si256(y._mm256_cmpeq_epi8(bytes, all(0xc2)), within(bytes, 0xe1, 0xe3));
    Marks { spaces: mask(spaces), digits: mask(within(bytes, b'0', b'9')), others: mask(others) }
}

/// By the upper half of a byte of ASCII a bit for it; of other bytes any, since sets have nothing for them.
const HALVES: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 1, 1, 1, 1, 1, 1, 1];

const SPACES: [u8; 16] = set(false);
const PARTING: [u8; 16] = set(true);

/// The white space of ASCII, and its signs if they part: by the lower half of a byte the bits of the upper halves.
const fn set(signs_part: bool) -> [u8; 16] {
    let mut set = [0; 16];
    let mut byte = 0u8;
    while byte < 0x80 {
        let sign = !(byte.is_ascii_alphanumeric() || matches!(byte, b'\'' | b'`' | b'-'));
        if matches!(byte, b' ' | b'\t'..=b'\r') || signs_part && sign {
            set[byte as usize % 16] |= HALVES[byte as usize / 16];
        }
        byte += 1;
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_marked_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            for signs_part in [false, true] {
                let mut block = [b'x'; 64];
                let at = usize::from(byte) % 64;
                block[at] = byte;
                let space = matches!(byte, b' ' | b'\t'..=b'\r');
                let sign = byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"'`-".contains(&byte);
                let expected = Marks {
                    spaces: u64::from(space || signs_part && sign) << at,
                    digits: u64::from(byte.is_ascii_digit()) << at,
                    others: u64::from(byte == 0xc2 || (0xe1..=0xe3).contains(&byte)) << at,
                };
                assert_eq!(Portable.marks(&block, signs_part), expected, "{byte:x}");
                #[cfg(target_arch = "x86_64")]
                if let Some(v3) = V3::try_new() {
                    assert_eq!(v3.marks(&block, signs_part), expected, "{byte:x}");
                }
            }
        }
    }
}
