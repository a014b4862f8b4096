//! CPU seconds from text to rows, or only to tokens, of other crates and of the plain way, for `featurizer.py`.
//!
//! `cargo run --release -- FOLDER` reads the texts to learn from (`training.txt`) and the corpora, one paragraph a line,
//! and prints a line of JSON for each: tool, features, corpus and MiB a CPU second on one thread. What a tool gives is
//! counted once in another way.

use cpu_time::ProcessTime;
use linfa_preprocessing::tf_idf_vectorization::TfIdfVectorizer;
use ndarray::ArrayView1;
use rust_stemmers::{Algorithm, Stemmer};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use tantivy::tokenizer::{Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, TextAnalyzer};
use tokenizers::models::wordlevel::{WordLevel, WordLevelTrainer};
use tokenizers::normalizers::utils::Lowercase;
use tokenizers::pre_tokenizers::whitespace::Whitespace;
use tokenizers::{AddedToken, DecoderWrapper, PostProcessorWrapper, TokenizerImpl};

const CORPORA: [&str; 4] = ["known", "unknown-2", "unknown-10", "typographic"];
/// So many paragraphs of a corpus, from the first; a speed does not depend on how many.
const PARAGRAPHS: usize = 8000;
/// Speeds are medians over so many slices, as in `benches/featurizer.rs`.
const SLICES: usize = 9;

fn main() {
    let folder = std::env::args().nth(1).expect("a folder");
    let read = |name: &str| std::fs::read_to_string(Path::new(&folder).join(name)).expect("the folder holds the texts");
    let training = read("training.txt");
    let training: Vec<&str> = training.lines().collect();
    let corpora = CORPORA.map(|name| (name, read(&format!("{name}.txt"))));
    let corpora = corpora.each_ref().map(|(name, text)| (*name, text.lines().take(PARAGRAPHS).collect::<Vec<&str>>()));
    for (features, most) in [("words", 1), ("words and pairs", 2)] {
        linfa(&training, &corpora, features, most);
        plain(&training, &corpora, features, most);
    }
    tantivy(&corpora);
    word_level(&training, &corpora);
}

/// A name and its paragraphs.
type Corpus<'a> = (&'a str, Vec<&'a str>);

/// Measures a tool on every corpus; `work` gives how many terms or tokens it found, `expected` the same in another way.
fn measure(
    tool: &str,
    features: &str,
    corpora: &[Corpus],
    mut work: impl FnMut(&[&str]) -> usize,
    expected: impl Fn(&str) -> usize,
) {
    for (corpus, lines) in corpora {
        let mut found = 0;
        let mut speeds: Vec<f64> = lines
            .chunks(lines.len().div_ceil(SLICES))
            .map(|slice| {
                let start = ProcessTime::now();
                found += work(slice);
                let seconds = start.elapsed().as_secs_f64();
                slice.iter().map(|line| line.len() + 1).sum::<usize>() as f64 / seconds / f64::from(1 << 20)
            })
            .collect();
        assert_eq!(found, lines.iter().map(|line| expected(line)).sum::<usize>(), "{tool}, {corpus}");
        speeds.sort_by(f64::total_cmp);
        let speed = speeds[speeds.len() / 2];
        println!(r#"{{"tool":"{tool}","features":"{features}","corpus":"{corpus}","speed":{speed:.2}}}"#);
    }
}

/// What `\w` of a regular expression is in French text.
fn in_word(c: char) -> bool {
    c.is_alphabetic() || c.is_ascii_digit() || c == '_'
}

/// How many different known words there are, with `most` = 2 pairs of words too.
fn distinct<W: AsRef<str>>(words: &[W], most: usize, known: impl Fn(&str) -> bool) -> usize {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let terms = (1..=most).flat_map(|n| words.windows(n).map(|terms| terms.join(" ")));
    terms.filter(|term| known(term)).collect::<HashSet<String>>().len()
}

/// Words as written, or with pairs of them: no stems.
fn linfa(training: &[&str], corpora: &[Corpus], features: &str, most: usize) {
    let params = TfIdfVectorizer::default().normalize(false).n_gram_range(1, most);
    let fitted = params.fit(&ArrayView1::from(training)).expect("learns");
    let vocabulary: HashSet<&str> = fitted.vocabulary().iter().map(String::as_str).collect();
    let expected = |line: &str| {
        let text = line.to_lowercase();
        let words: Vec<&str> = text.split(|c| !in_word(c)).filter(|word| word.chars().count() > 1).collect();
        distinct(&words, most, |term| vocabulary.contains(term))
    };
    let rows = |slice: &[&str]| fitted.transform(&ArrayView1::from(slice)).expect("rows").nnz();
    measure("linfa-preprocessing", features, corpora, rows, expected);
}

/// Lower case, split at what is no letter, rust-stemmers, hash tables of the standard library.
fn plain(training: &[&str], corpora: &[Corpus], features: &str, most: usize) {
    let stemmer = Stemmer::create(Algorithm::French);
    let for_each_term = |text: &str, emit: &mut dyn FnMut(&str)| {
        let mut pair = String::new();
        for word in text.to_lowercase().split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
            let stem = stemmer.stem(word);
            emit(&stem);
            if most == 2 {
                if !pair.is_empty() {
                    pair.push(' ');
                    pair.push_str(&stem);
                    emit(&pair);
                    pair.clear();
                }
                pair.push_str(&stem);
            }
        }
    };
    let mut df: HashMap<String, usize> = HashMap::new();
    for text in training {
        let mut terms = HashSet::new();
        for_each_term(text, &mut |term| {
            terms.insert(term.to_string());
        });
        terms.into_iter().for_each(|term| *df.entry(term).or_default() += 1);
    }
    let texts = training.len() as f64;
    let idf = |df: usize| ((1.0 + texts) / (1.0 + df as f64)).ln() + 1.0;
    let vocabulary: HashMap<String, (usize, f64)> =
        df.into_iter().enumerate().map(|(column, (term, df))| (term, (column, idf(df)))).collect();
    let row = |text: &str| {
        let mut counts: HashMap<usize, (f64, f64)> = HashMap::new();
        for_each_term(text, &mut |term| {
            if let Some(&(column, idf)) = vocabulary.get(term) {
                counts.entry(column).or_insert((0.0, idf)).0 += 1.0;
            }
        });
        let weigh = |(column, (tf, idf)): (usize, (f64, f64))| (column, (1.0 + tf.ln()) * idf);
        let mut row: Vec<(usize, f64)> = counts.into_iter().map(weigh).collect();
        row.sort_unstable_by_key(|&(column, _)| column);
        let norm = row.iter().map(|(_, value)| value * value).sum::<f64>().sqrt();
        row.iter_mut().for_each(|(_, value)| *value /= norm);
        row
    };
    let length = row(corpora[0].1[0]).iter().map(|(_, value)| value * value).sum::<f64>();
    assert!((length - 1.0).abs() < 1e-12);
    let expected = |line: &str| {
        let text = line.to_lowercase();
        let words = text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
        let stems: Vec<_> = words.map(|word| stemmer.stem(word)).collect();
        distinct(&stems, most, |term| vocabulary.contains_key(term))
    };
    measure("plain Rust", features, corpora, |slice| slice.iter().map(|line| row(line).len()).sum(), expected);
}

/// Its analyzer of English with French stems.
fn tantivy(corpora: &[Corpus]) {
    let mut analyzer = TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(40))
        .filter(LowerCaser)
        .filter(tantivy::tokenizer::Stemmer::new(Language::French))
        .build();
    let mut count = |line: &str| {
        let mut tokens = 0;
        analyzer.token_stream(line).process(&mut |_| tokens += 1);
        tokens
    };
    let expected =
        |line: &str| line.split(|c: char| !c.is_alphanumeric()).filter(|word| (1..40).contains(&word.len())).count();
    measure("tantivy, tokens", "words", corpora, |slice| slice.iter().map(|line| count(line)).sum(), expected);
}

/// Words and runs of other signs in lower case to the numbers of a learnt vocabulary.
fn word_level(training: &[&str], corpora: &[Corpus]) {
    let mut tokenizer: TokenizerImpl<WordLevel, Lowercase, Whitespace, PostProcessorWrapper, DecoderWrapper> =
        TokenizerImpl::new(WordLevel::default());
    tokenizer.with_normalizer(Some(Lowercase)).expect("sets").with_pre_tokenizer(Some(Whitespace));
    let mut trainer = WordLevelTrainer::builder()
        .vocab_size(usize::MAX)
        .show_progress(false)
        .special_tokens(vec![AddedToken::from("<unk>", true)])
        .build()
        .expect("a trainer");
    tokenizer.train(&mut trainer, training.iter()).expect("learns");
    let count = |line: &&str| tokenizer.encode_fast(*line, false).expect("tokens").len();
    let expected = |line: &str| {
        let pieces = line.split_whitespace().map(|piece| piece.chars().collect::<Vec<char>>());
        pieces.map(|piece| piece.chunk_by(|&a, &b| in_word(a) == in_word(b)).count()).sum()
    };
    measure("tokenizers, tokens", "words", corpora, |slice| slice.iter().map(count).sum(), expected);
}
