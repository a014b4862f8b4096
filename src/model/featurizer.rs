//! Blocks of features side by side.

use super::config::{BlockParams, PipelineParams};
use crate::analysis::{Analyzer, AnalyzerParams};
use crate::features::{Corpus, CorpusCounter, TfidfVectorizer};
use crate::sparse::{SparseMatrix, SparseRow};
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
                let analyzer = Analyzer::new(&params);
                let mut counter = CorpusCounter::default();
                for text in texts {
                    analyzer.for_each_term(text, |term, _| counter.add(term));
                    counter.end_text();
                }
                (params, counter.finish())
            })
            .collect();
        AnalyzedTexts { corpora }
    }

    fn corpus(&self, chain: &AnalyzerParams) -> Option<&Corpus> {
        self.corpora.iter().find(|(params, _)| params == chain).map(|(_, corpus)| corpus)
    }
}

struct Block {
    name: String,
    params: BlockParams,
    analyzer: Analyzer,
    vectorizer: TfidfVectorizer,
}

/// Fitted blocks of features: turns a text into one row, the blocks' columns one after another.
pub struct Featurizer {
    blocks: Vec<Block>,
    width: usize,
}

impl Featurizer {
    /// Learns vocabularies and weights from the given rows of the texts, and gives every text its row.
    ///
    /// # Panics
    ///
    /// If the texts were not analysed for these blocks.
    pub(super) fn fit(
        blocks: &BTreeMap<String, BlockParams>,
        texts: &AnalyzedTexts,
        fit_on: &[usize],
    ) -> (Featurizer, FoldRows) {
        let mut fitted = Vec::new();
        let mut columns = Vec::new();
        for (name, params) in blocks {
            let chain = params.analyzer();
            let corpus = texts.corpus(&chain).unwrap_or_else(|| panic!("texts analysed without block {name}"));
            let (vectorizer, own) = params.tfidf().fit(corpus, fit_on);
            fitted.push((name.clone(), params.clone(), vectorizer));
            columns.push(own);
        }
        (Featurizer::assemble(fitted), FoldRows { columns })
    }

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
        Featurizer { blocks, width }
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
        self.blocks().flat_map(|(name, _, v)| v.vocabulary().terms().iter().map(move |term| (name, &**term)))
    }

    /// The row of a text.
    pub fn row(&self, text: &str) -> SparseRow {
        self.joined(|_, block| block.vectorizer.row(|emit| block.analyzer.for_each_term(text, |term, _| emit(term))))
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

    fn joined(&self, row_of: impl Fn(usize, &Block) -> SparseRow) -> SparseRow {
        let mut pairs = Vec::new();
        let mut first = 0;
        for (i, block) in self.blocks.iter().enumerate() {
            pairs.extend(row_of(i, block).iter().map(|(column, value)| (first + column, value)));
            first += block.vectorizer.vocabulary().len() as u32;
        }
        SparseRow::from_sorted(pairs)
    }
}

/// Where the terms of analysed texts stand in one fold's featurizer.
pub(super) struct FoldRows {
    columns: Vec<Vec<Option<u32>>>,
}

impl FoldRows {
    /// The rows of the given texts, equal to [`Featurizer::row`] of their text.
    pub(super) fn matrix(&self, featurizer: &Featurizer, texts: &AnalyzedTexts, rows: &[usize]) -> SparseMatrix {
        let corpora: Vec<Option<&Corpus>> =
            featurizer.blocks.iter().map(|b| texts.corpus(&b.params.analyzer())).collect();
        let row = |i: usize| {
            featurizer.joined(|b, block| match corpora[b] {
                Some(corpus) => block.vectorizer.corpus_row(corpus, &self.columns[b], i),
                None => SparseRow::default(),
            })
        };
        SparseMatrix::from_rows(featurizer.width, rows.iter().map(|&i| row(i)))
    }
}
