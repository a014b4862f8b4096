//! Texts counted once, so that every fold can weigh them anew without reading them again.

use std::collections::HashMap;

/// The term counts of a set of texts over the sorted terms that occur in them.
///
/// It has learnt nothing: which terms a model keeps, and their weights, is decided by
/// [`TfidfParams::fit`](super::TfidfParams::fit) on the rows it is given.
#[derive(Debug, Clone, PartialEq)]
pub struct Corpus {
    pub(super) terms: Vec<Box<str>>,
    /// For each text its terms by increasing id, with the number of occurrences.
    pub(super) counts: Vec<Vec<(u32, u32)>>,
}

/// Counts the terms of one text after another.
#[derive(Debug, Default)]
pub struct CorpusCounter {
    ids: HashMap<Box<str>, u32>,
    current: Vec<u32>,
    counts: Vec<Vec<(u32, u32)>>,
}

impl CorpusCounter {
    /// Counts one occurrence of a term in the current text.
    ///
    /// # Panics
    ///
    /// If the term holds a line feed, which ends terms where they are kept.
    pub fn add(&mut self, term: &str) {
        let id = self.id(term);
        self.current.push(id);
    }

    /// The number of a term until [`finish`](Self::finish), for [`add_ids`](Self::add_ids).
    pub(crate) fn id(&mut self, term: &str) -> u32 {
        match self.ids.get(term) {
            Some(&id) => id,
            None => {
                assert!(!term.contains('\n'), "a term with a line feed");
                let id = self.ids.len() as u32;
                self.ids.insert(term.into(), id);
                id
            }
        }
    }

    /// Counts terms of the current text by their numbers.
    pub(crate) fn add_ids(&mut self, ids: &[u32]) {
        self.current.extend_from_slice(ids);
    }

    /// Ends the current text.
    pub fn end_text(&mut self) {
        self.counts.push(run_lengths(&mut self.current));
        self.current.clear();
    }

    /// Renumbers the terms in sorted order, so that the result does not depend on the order of the texts.
    pub fn finish(self) -> Corpus {
        let mut terms: Vec<(Box<str>, u32)> = self.ids.into_iter().collect();
        terms.sort_unstable();
        let mut rank = vec![0; terms.len()];
        for (new, (_, old)) in (0..).zip(&terms) {
            rank[*old as usize] = new;
        }
        let mut counts = self.counts;
        for row in &mut counts {
            for (id, _) in row.iter_mut() {
                *id = rank[*id as usize];
            }
            row.sort_unstable();
        }
        Corpus { terms: terms.into_iter().map(|(term, _)| term).collect(), counts }
    }
}

/// Sorts ids and counts how often each stands.
pub(super) fn run_lengths(ids: &mut [u32]) -> Vec<(u32, u32)> {
    ids.sort_unstable();
    ids.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u32)).collect()
}
