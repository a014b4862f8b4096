//! Hashes as they are written.
//!
//! In: a SHA-256. Out: its hexadecimal digits. It must not know of what it is.

use sha2::{Digest, Sha256};

/// The 64 digits of a hash.
pub fn digits(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_has_the_digits_of_its_standard() {
        // FIPS 180-4, the example of one block.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digits(Sha256::new_with_prefix("abc")), abc);
    }
}
