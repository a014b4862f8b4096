//! Texts that are nearly the same.

use super::Example;
use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use unicode_normalization::UnicodeNormalization;

/// Words in a row that make a shingle.
const SHINGLE: usize = 5;
/// Two texts are near duplicates from this Jaccard similarity of their shingles on.
pub const LEAST_SIMILARITY: f64 = 0.8;

/// The pairs of texts whose sets of five-word shingles have a Jaccard similarity of at least 0.8: the first's number, the
/// second's, and the similarity; by the second's number, then by the first's.
///
/// Of texts with the same shingles only the first is paired with others; each of the rest is paired with it alone, so that
/// a text that stands n times makes n - 1 pairs.
///
/// Words are compared in lower case without punctuation, composed (NFC). Two texts of n and m shingles that are so alike share
/// one of the n - ⌈0.8 n⌉ + 1 and m - ⌈0.8 m⌉ + 1 that the fewest texts have, so that only these are looked up: an opening or
/// a footer that many texts share costs nothing. Of the pairs found the similarity is exact.
///
/// Source: Broder 1997, "On the resemblance and containment of documents"; Chaudhuri, Ganti and Kaushik 2006, "A primitive
/// operator for similarity joins in data cleaning".
pub fn near_duplicates(texts: &[&str]) -> impl Iterator<Item = (usize, usize, f64)> + use<> {
    let shingles: Vec<Vec<u64>> = texts.iter().map(|text| shingles_of(text)).collect();
    let mut firsts: HashMap<&[u64], usize> = HashMap::new();
    // By text the first one with its shingles.
    let first: Vec<usize> = shingles.iter().enumerate().map(|(i, own)| *firsts.entry(own).or_insert(i)).collect();
    let mut texts_with: HashMap<u64, u32> = HashMap::new();
    firsts.keys().flat_map(|own| own.iter()).for_each(|shingle| *texts_with.entry(*shingle).or_default() += 1);
    let mut holders: HashMap<u64, Vec<usize>> = HashMap::new();
    (0..shingles.len()).flat_map(move |i| {
        let own = &shingles[i];
        // Texts without words are alike to nothing.
        if own.is_empty() {
            return Vec::new();
        }
        if first[i] < i {
            return vec![(first[i], i, 1.0)];
        }
        let mut rarest = own.clone();
        rarest.sort_unstable_by_key(|shingle| (texts_with[shingle], *shingle));
        rarest.truncate(own.len() + 1 - least_shared(own.len()));
        let mut found = BTreeSet::new();
        for shingle in rarest {
            let holders = holders.entry(shingle).or_default();
            // Of sets that differ much in size one cannot hold enough of the other.
            let near = |&j: &usize| {
                let [less, more] =
                    if own.len() < shingles[j].len() { [own, &shingles[j]] } else { [&shingles[j], own] };
                less.len() >= least_shared(more.len())
            };
            found.extend(holders.iter().copied().filter(near));
            holders.push(i);
        }
        let pair = |j: usize| {
            let both = shared(own, &shingles[j]);
            (j, i, both as f64 / (own.len() + shingles[j].len() - both) as f64)
        };
        found.into_iter().map(pair).filter(|pair| pair.2 >= LEAST_SIMILARITY).collect()
    })
}

/// How many of so many shingles another set holds at least, if the two are near.
fn least_shared(shingles: usize) -> usize {
    // Rather one too few than, by a rounding, one too many.
    (LEAST_SIMILARITY * shingles as f64 - 1e-6).ceil() as usize
}

/// How many numbers two increasing lists have in common.
fn shared(mut one: &[u64], mut other: &[u64]) -> usize {
    let mut both = 0;
    while let ([a, rest_of_one @ ..], [b, rest_of_other @ ..]) = (one, other) {
        both += usize::from(a == b);
        (one, other) = (if a <= b { rest_of_one } else { one }, if b <= a { rest_of_other } else { other });
    }
    both
}

/// The group of each example, with groups that share near duplicates joined under the least of their names: whoever
/// splits by these keeps near duplicates on one side.
pub fn joined_groups(examples: &[Example]) -> Vec<&str> {
    let mut parent: HashMap<&str, &str> = HashMap::new();
    fn root<'a>(parent: &mut HashMap<&'a str, &'a str>, name: &'a str) -> &'a str {
        let mut root = name;
        while let Some(&above) = parent.get(root) {
            root = above;
        }
        // Every name on the way is put right below the root, so that no way grows long.
        let mut below = name;
        while below != root {
            below = parent.insert(below, root).unwrap_or(root);
        }
        root
    }
    let texts: Vec<&str> = examples.iter().map(|e| e.text.as_str()).collect();
    for (a, b, _) in near_duplicates(&texts) {
        let (a, b) = (root(&mut parent, &examples[a].group), root(&mut parent, &examples[b].group));
        match a.cmp(b) {
            std::cmp::Ordering::Less => drop(parent.insert(b, a)),
            std::cmp::Ordering::Greater => drop(parent.insert(a, b)),
            std::cmp::Ordering::Equal => {}
        }
    }
    examples.iter().map(|e| root(&mut parent, &e.group)).collect()
}

fn shingles_of(text: &str) -> Vec<u64> {
    let lower = text.nfc().flat_map(char::to_lowercase).collect::<String>();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    // A text of fewer words is one shingle of its own.
    let windows = words.windows(SHINGLE.min(words.len()).max(1));
    let mut shingles: Vec<u64> = windows
        .map(|window| {
            // The default hasher has fixed keys: the same words give the same number in every run.
            let mut hasher = DefaultHasher::new();
            window.hash(&mut hasher);
            hasher.finish()
        })
        .collect();
    shingles.sort_unstable();
    shingles.dedup();
    shingles
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn similarity_is_that_of_shingles_counted_by_hand() {
        // 14 words make 10 shingles. One more word at the end: 10 shared of 11. Another last word: 9 shared of 11.
        let text = "un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze";
        let longer = format!("{text} quinze.");
        let other = text.to_uppercase().replace("QUATORZE", "FIN");
        let unlike = "une tout autre phrase qui ne partage rien avec les deux premières lignes";
        let found: Vec<_> = near_duplicates(&[text, unlike, &longer, &other, "court", "Court !"]).collect();
        let pairs: Vec<(usize, usize)> = found.iter().map(|&(a, b, _)| (a, b)).collect();
        assert_eq!(pairs, [(0, 2), (0, 3), (4, 5)]);
        assert!((found[0].2 - 10.0 / 11.0).abs() < 1e-12 && (found[1].2 - 9.0 / 11.0).abs() < 1e-12);
    }

    #[test]
    fn groups_that_share_a_near_duplicate_are_one() {
        let example = |group: &str, text: &str| Example {
            id: String::new(),
            group: group.into(),
            text: text.into(),
            gold: Vec::new(),
            date: None,
            place: crate::dataset::Place { path: String::new(), line: 0 },
        };
        let examples = [
            example("d", "le premier texte est assez long pour être reconnu"),
            example("b", "un autre texte qui ne ressemble à aucun de ceux-ci"),
            example("c", "Le premier texte est assez long pour être reconnu."),
            example("c", "le second texte est lui aussi assez long pour cela"),
            example("a", "Le second texte est, lui aussi, assez long pour cela !"),
        ];
        assert_eq!(joined_groups(&examples), ["a", "b", "a", "a", "a"]);
    }

    #[test]
    fn two_spellings_of_unicode_are_one_text() {
        let composed = "l'armée malienne a lancé une opération près de la frontière";
        let decomposed: String = composed.nfd().collect();
        assert_ne!(composed, decomposed);
        assert_eq!(near_duplicates(&[composed, &decomposed]).collect::<Vec<_>>(), [(0, 1, 1.0)]);
    }

    proptest! {
        #[test]
        fn pairs_are_those_of_all_texts_with_all_others(
            texts in prop::collection::vec(prop::collection::vec("[ab]", 0..40), 0..12),
            opening in prop::collection::vec("[abc]", 0..30),
        ) {
            let texts: Vec<String> = texts.iter().map(|words| [&opening[..], words].concat().join(" ")).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let sets: Vec<BTreeSet<u64>> = texts.iter().map(|text| shingles_of(text).into_iter().collect()).collect();
            let mut expected = Vec::new();
            for i in 0..sets.len() {
                let alike = |j: usize| sets[i].intersection(&sets[j]).count() as f64 / sets[i].union(&sets[j]).count() as f64;
                let first = |j: usize| !(0..j).any(|k| sets[k] == sets[j]);
                let twin = (0..i).find(|&j| sets[j] == sets[i]);
                let others = (0..i).filter(|&j| twin.map_or(first(j), |twin| twin == j));
                expected.extend(others.map(|j| (j, i, alike(j))).filter(|pair| pair.2 >= LEAST_SIMILARITY));
            }
            prop_assert_eq!(near_duplicates(&texts).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn texts_without_words_are_alike_to_nothing() {
        assert_eq!(near_duplicates(&["", "…", "!"]).count(), 0);
    }

    #[test]
    fn a_text_that_stands_often_is_paired_with_its_first_alone() {
        let text = "un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze";
        let longer = format!("{text} quinze");
        let texts = [text, &longer, text, &longer, "Un autre.", text];
        let pairs: Vec<(usize, usize)> = near_duplicates(&texts).map(|(a, b, _)| (a, b)).collect();
        assert_eq!(pairs, [(0, 1), (0, 2), (1, 3), (0, 5)]);
    }
}
