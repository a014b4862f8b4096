//! Blocks of features side by side.

use super::config::{BlockParams, PipelineParams};
use super::fast_rows::{self, FastRows};
use crate::analysis::{Analyzer, AnalyzerParams};
use crate::features::{Corpus, CorpusTfidf, TfidfVectorizer};
use crate::sparse::{SparseMatrix, SparseRow, UnorderedRow};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Texts analysed once for every chain that some pipelines need; each fold weighs them anew. Clones share the analysis.
#[derive(Clone)]
pub struct AnalyzedTexts {
    corpora: Arc<[(AnalyzerParams, Corpus)]>,
}

impl AnalyzedTexts {
    /// Analyses texts for the given pipelines.
    pub fn new<'a>(texts: &[&str], pipelines: impl IntoIterator<Item = &'a PipelineParams>) -> Self {
        let mut chains: Vec<AnalyzerParams> = Vec::new();
        for block in pipelines.into_iter().flat_map(|p| p.features.values()) {
            if !chains.contains(&block.analyzer()) {
                chains.push(block.analyzer());
            }
        }
        let corpora = chains
            .into_par_iter()
            .map(|params| {
                let corpus = fast_rows::counted(texts, &params);
                (params, corpus)
            })
            .collect();
        AnalyzedTexts { corpora }
    }

    fn corpus(&self, chain: &AnalyzerParams) -> Option<&Corpus> {
        self.corpora.iter().find(|(params, _)| params == chain).map(|(_, corpus)| corpus)
    }
}

/// One fitted block of features.
pub(super) struct Block {
    pub(super) name: String,
    pub(super) params: BlockParams,
    pub(super) analyzer: Analyzer,
    pub(super) vectorizer: TfidfVectorizer,
}

/// Fitted blocks of features: turns a text into one row, the blocks' columns one after another.
pub struct Featurizer {
    pub(super) blocks: Vec<Block>,
    width: usize,
    fast: FastRows,
}

impl Featurizer {
    /// Puts a featurizer together from named blocks, in their order.
    pub(super) fn assemble(blocks: Vec<(String, BlockParams, TfidfVectorizer)>) -> Featurizer {
        let width = blocks.iter().map(|(_, _, vectorizer)| vectorizer.vocabulary().len()).sum();
        let blocks = blocks
            .into_iter()
            .map(|(name, params, vectorizer)| {
                let analyzer = Analyzer::new(&params.analyzer());
                Block { name, params, analyzer, vectorizer }
            })
            .collect();
        Featurizer { blocks, width, fast: FastRows::default() }
    }

    /// The number of columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The blocks: name, settings, and what each has learnt.
    pub fn blocks(&self) -> impl Iterator<Item = (&str, &BlockParams, &TfidfVectorizer)> {
        self.blocks.iter().map(|b| (b.name.as_str(), &b.params, &b.vectorizer))
    }

    /// The block and the term of each column, in order.
    pub fn terms(&self) -> impl Iterator<Item = (&str, &str)> {
        self.blocks().flat_map(|(name, _, v)| v.vocabulary().terms().map(move |term| (name, term)))
    }

    /// The row of a text.
    pub fn row(&self, text: &str) -> SparseRow {
        self.fast.row(&self.blocks, text)
    }

    /// What is made of a text's row, its columns in any order.
    pub(super) fn read_unordered<T>(&self, text: &str, made_of: impl FnOnce(UnorderedRow<'_>) -> T) -> T {
        self.fast.read_unordered(&self.blocks, text, made_of)
    }

    /// The row of a text, and for each of its columns the places of the text where the term stands.
    pub(super) fn row_with_places(&self, text: &str) -> (SparseRow, BTreeMap<u32, Vec<Range<usize>>>) {
        let mut places: BTreeMap<u32, Vec<Range<usize>>> = BTreeMap::new();
        let mut first = 0;
        for block in &self.blocks {
            let vocabulary = block.vectorizer.vocabulary();
            block.analyzer.for_each_term(text, |term, place| {
                if let Some(column) = vocabulary.column(term) {
                    places.entry(first + column).or_default().push(place);
                }
            });
            first += vocabulary.len() as u32;
        }
        (self.row(text), places)
    }
}

/// Blocks of features learnt from some analysed texts, for these texts.
pub(super) struct FittedBlocks<'a> {
    blocks: Vec<(&'a str, &'a BlockParams, CorpusTfidf<'a>)>,
}

impl<'a> FittedBlocks<'a> {
    /// Learns vocabularies and weights from the given rows of the texts.
    ///
    /// # Panics
    ///
    /// If the texts were not analysed for these blocks.
    pub(super) fn fit(blocks: &'a BTreeMap<String, BlockParams>, texts: &'a AnalyzedTexts, rows: &[usize]) -> Self {
        let fit = |(name, params): (&'a String, &'a BlockParams)| {
            let corpus = texts.corpus(&params.analyzer());
            let corpus = corpus.unwrap_or_else(|| panic!("texts analysed without block {name}"));
            (name.as_str(), params, params.tfidf().fit(corpus, rows))
        };
        FittedBlocks { blocks: blocks.iter().map(fit).collect() }
    }

    /// Leaves out the columns that are not to be kept.
    pub(super) fn keep(&mut self, mut kept: &[bool]) {
        for (_, _, tfidf) in &mut self.blocks {
            let (own, others) = kept.split_at(tfidf.width());
            tfidf.keep(own);
            kept = others;
        }
    }

    /// Puts the columns of frequent terms first in every block, and gives the old column of each.
    pub(super) fn by_frequency(&mut self) -> Vec<u32> {
        let mut old = Vec::new();
        for (_, _, tfidf) in &mut self.blocks {
            let first = old.len() as u32;
            old.extend(tfidf.by_frequency().into_iter().map(|column| first + column));
        }
        old
    }

    /// The rows of the given texts, equal to [`Featurizer::row`] of their text.
    pub(super) fn matrix(&self, rows: &[usize]) -> SparseMatrix {
        let mut matrix = SparseMatrix::empty(self.blocks.iter().map(|(_, _, tfidf)| tfidf.width()).sum());
        matrix.reserve(self.blocks.iter().flat_map(|(_, _, tfidf)| rows.iter().map(|&i| tfidf.most(i))).sum());
        for &i in rows {
            let mut first = 0;
            for (_, _, tfidf) in &self.blocks {
                tfidf.extend_row(i, first, &mut matrix);
                first += tfidf.width() as u32;
            }
            matrix.end_row();
        }
        matrix
    }

    /// The same blocks for texts that were not analysed with these.
    pub(super) fn featurizer(&self) -> Featurizer {
        let of = |(name, params, tfidf): &(&str, &BlockParams, CorpusTfidf<'_>)| {
            ((*name).to_string(), (*params).clone(), tfidf.vectorizer())
        };
        Featurizer::assemble(self.blocks.iter().map(of).collect())
    }
}
