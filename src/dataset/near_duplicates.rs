//! Texts that are nearly the same.

use super::Example;
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

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
/// Words are compared in lower case without punctuation. An inverted index finds the pairs that share a shingle; of
/// those the similarity is exact.
///
/// Source: Broder 1997, "On the resemblance and containment of documents".
pub fn near_duplicates<'a>(texts: &'a [&'a str]) -> impl Iterator<Item = (usize, usize, f64)> + use<'a> {
    let mut holders: HashMap<u64, Vec<usize>> = HashMap::new();
    let mut firsts: HashMap<Vec<u64>, usize> = HashMap::new();
    let mut sizes: Vec<usize> = Vec::with_capacity(texts.len());
    texts.iter().enumerate().flat_map(move |(i, text)| {
        let own = shingles_of(text);
        sizes.push(own.len());
        // Texts without words are alike to nothing.
        if own.is_empty() {
            return Vec::new();
        }
        if let Some(&first) = firsts.get(&own) {
            return vec![(first, i, 1.0)];
        }
        let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
        for shingle in &own {
            let holders = holders.entry(*shingle).or_default();
            holders.iter().for_each(|&j| *shared.entry(j).or_default() += 1);
            holders.push(i);
        }
        firsts.insert(own, i);
        let pair = |(j, both): (usize, usize)| (j, i, both as f64 / (sizes[i] + sizes[j] - both) as f64);
        shared.into_iter().map(pair).filter(|pair| pair.2 >= LEAST_SIMILARITY).collect()
    })
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
    let lower = text.to_lowercase();
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
