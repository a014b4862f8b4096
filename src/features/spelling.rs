//! Strings as numbers, for tables that compare them in one step.

use bytemuck::{Pod, Zeroable};
use std::ops::Range;

/// A string in 128 bits: up to [`WHOLE`] bytes are the number itself, of longer ones it is a hash. Some bits are [`TURNED`].
///
/// Two whole spellings are equal if and only if their strings are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct Spelling(u128);

/// The greatest length in bytes of a string that its spelling holds whole.
pub const WHOLE: usize = 15;

/// The greatest length in bytes of a string that a key holds whole.
const SHORT: usize = 7;

/// Of a block that begins with a string the bytes that belong to it.
const fn kept(length: usize) -> u128 {
    (1 << (8 * length)) - 1
}

/// The last byte of a spelling is the length plus one, or this.
const HASHED: u128 = 0xff << 120;

/// The bits of a spelling that are turned, so that the product of its halves spreads. No string ends with this last byte, and so
/// no spelling is zero.
const TURNED: u128 = (SECOND as u128) << 64 | FIRST as u128;

/// The last byte of a whole spelling, and the bits to turn.
const fn end(length: usize) -> u128 {
    (length as u128 + 1) << 120 ^ TURNED
}

/// By length what makes a whole spelling of a block that begins with a string: the bits to keep, and then to turn.
const WHOLES: [(u128, u128); WHOLE + 1] = {
    let mut wholes = [(0, 0); WHOLE + 1];
    let mut length = 0;
    while length <= WHOLE {
        wholes[length] = (kept(length), end(length));
        length += 1;
    }
    wholes
};

impl Spelling {
    /// The spelling of no string.
    pub const NONE: Spelling = Spelling(0);

    /// The spelling of a string.
    ///
    /// Not written out where it is called, so that registers there are left to short strings.
    #[inline(never)]
    pub fn of(text: &[u8]) -> Self {
        match WHOLES.get(text.len()) {
            Some((_, turned)) => Spelling(gathered(text) ^ turned),
            None => Spelling::hashed(text),
        }
    }

    /// The spelling of a part of a text, sooner than by [`of`](Self::of) where sixteen bytes can be read at once.
    #[inline(always)]
    pub fn part(text: &[u8], part: Range<usize>) -> Self {
        // Not `len`, which looks twice.
        let length = part.end.wrapping_sub(part.start);
        match text.get(part.start..).and_then(<[u8]>::first_chunk) {
            Some(block) if length <= WHOLE => {
                let (kept, turned) = WHOLES[length];
                Spelling(u128::from_le_bytes(*block) & kept ^ turned)
            }
            _ => Spelling::of(&text[part]),
        }
    }

    fn hashed(text: &[u8]) -> Self {
        let mut sum = text.len() as u128;
        for part in text.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            let (low, high) = (sum as u64, (sum >> 64) as u64);
            sum = mix(low ^ u64::from_le_bytes(word), high).wrapping_add(sum);
        }
        Spelling((sum | HASHED) ^ TURNED)
    }

    /// Whether equal spellings mean equal strings.
    #[inline(always)]
    pub fn is_whole(self) -> bool {
        (self.0 ^ TURNED) & 1 << 127 == 0
    }

    /// Instead of a hash another that is the spelling of no string, and has the hash itself for its own other. What is whole
    /// stays as it is.
    #[inline(always)]
    pub fn apart(self) -> Self {
        if self.is_whole() { self } else { Spelling(self.0 ^ 1 << 120) }
    }

    /// The bytes of a string that is whole, and zeros after them.
    #[inline(always)]
    pub fn bytes(self) -> [u8; 16] {
        ((self.0 ^ TURNED) & kept(WHOLE)).to_le_bytes()
    }

    /// A shorter number: of [short](is_short) strings no other string has the same.
    #[inline(always)]
    pub fn key(self) -> u64 {
        let spelled = self.0 ^ TURNED;
        let (low, high) = (spelled as u64, (spelled >> 64) as u64);
        if spelled < (SHORT as u128 + 2) << 120 { low | high } else { low ^ high | 1 << 63 }
    }

    /// Spreads spellings over tables; every bit of it may be used.
    #[inline(always)]
    pub fn hash(self) -> u64 {
        folded(u128::from(self.0 as u64).wrapping_mul(self.0 >> 64))
    }
}

/// The key and the hash of the spelling of a part of a text, sooner than by way of that where the part is short.
#[inline(always)]
pub fn key_and_hash(text: &[u8], part: Range<usize>) -> (u64, u64) {
    let length = part.end.wrapping_sub(part.start);
    match text.get(part.start..).and_then(<[u8]>::first_chunk) {
        Some(block) if is_short(length) => {
            let low = u64::from_le_bytes(*block) & WHOLES[length].0 as u64;
            let high = (length as u64 + 1) << 56;
            (low | high, folded(mix(low, high)))
        }
        _ => {
            let spelling = Spelling::part(text, part);
            (spelling.key(), spelling.hash())
        }
    }
}

/// Whether the key of a string of so many bytes says all of it.
#[inline(always)]
pub fn is_short(length: usize) -> bool {
    length <= SHORT
}

/// One of `size` places by 32 bits of a hash, each as likely (Lemire 2019, "Fast Random Integer Generation in an Interval").
#[inline(always)]
pub fn place_among(size: usize, bits: u32) -> usize {
    ((u64::from(bits) * size as u64) >> 32) as usize
}

/// Up to fifteen bytes as a number, by two looks that overlap.
#[inline]
fn gathered(text: &[u8]) -> u128 {
    let length = text.len();
    if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
        return u128::from(first) | u128::from(last) << (8 * (length - 8));
    }
    if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return u128::from(first) | u128::from(last) << (8 * (length - 4));
    }
    text.iter().rev().fold(0, |number, &byte| number << 8 | u128::from(byte))
}

// The fractions of the golden ratio and of the square root of 3.
const FIRST: u64 = 0x9e37_79b9_7f4a_7c15;
const SECOND: u64 = 0xbb67_ae85_84ca_a73b;

#[inline(always)]
fn folded(product: u128) -> u64 {
    product as u64 ^ (product >> 64) as u64
}

#[inline(always)]
fn mix(low: u64, high: u64) -> u128 {
    u128::from(low ^ FIRST).wrapping_mul(u128::from(high ^ SECOND))
}
