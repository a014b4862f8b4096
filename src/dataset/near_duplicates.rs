//! Texts that are nearly the same.

use super::Example;
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Words in a row that make a shingle.
const SHINGLE: usize = 5;
/// Two texts are near duplicates from this Jaccard similarity of their shingles on.
pub const LEAST_SIMILARITY: f64 = 0.8;

/// Every pair of texts whose sets of five-word shingles have a Jaccard similarity of at least 0.8: the first's number,
/// the second's, and the similarity; by increasing numbers.
///
/// Words are compared in lower case without punctuation. An inverted index finds the pairs that share a shingle; of
/// those the similarity is exact.
///
/// Source: Broder 1997, "On the resemblance and containment of documents".
pub fn near_duplicates(texts: &[&str]) -> Vec<(usize, usize, f64)> {
    let shingles: Vec<Vec<u64>> = texts.iter().map(|text| shingles_of(text)).collect();
    let mut holders: HashMap<u64, Vec<usize>> = HashMap::new();
    let mut found = Vec::new();
    for (i, own) in shingles.iter().enumerate() {
        let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
        for shingle in own {
            let holders = holders.entry(*shingle).or_default();
            holders.iter().for_each(|&j| *shared.entry(j).or_default() += 1);
            holders.push(i);
        }
        for (j, both) in shared {
            let similarity = both as f64 / (own.len() + shingles[j].len() - both) as f64;
            if similarity >= LEAST_SIMILARITY {
                found.push((j, i, similarity));
            }
        }
    }
    found.sort_unstable_by_key(|&(j, i, _)| (j, i));
    found
}

/// The group of each example, with groups that share near duplicates joined under the least of their names: whoever
/// splits by these keeps near duplicates on one side.
pub fn joined_groups(examples: &[Example]) -> Vec<&str> {
    let mut parent: HashMap<&str, &str> = HashMap::new();
    fn root<'a>(parent: &HashMap<&'a str, &'a str>, mut name: &'a str) -> &'a str {
        while let Some(&above) = parent.get(name) {
            name = above;
        }
        name
    }
    let texts: Vec<&str> = examples.iter().map(|e| e.text.as_str()).collect();
    for (a, b, _) in near_duplicates(&texts) {
        let (a, b) = (root(&parent, &examples[a].group), root(&parent, &examples[b].group));
        match a.cmp(b) {
            std::cmp::Ordering::Less => drop(parent.insert(b, a)),
            std::cmp::Ordering::Greater => drop(parent.insert(a, b)),
            std::cmp::Ordering::Equal => {}
        }
    }
    examples.iter().map(|e| root(&parent, &e.group)).collect()
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
        let found = near_duplicates(&[text, unlike, &longer, &other, "court", "Court !"]);
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
        assert!(near_duplicates(&["", "…", "!"]).is_empty());
    }
}
