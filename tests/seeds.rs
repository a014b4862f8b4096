//! The five seed articles, paragraph by paragraph. The expected beginnings and ends were copied from the pages by hand.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rubrique::text::{Cleaner, Columns, Document, Format, Paragraph, Source};

const ARTICLES: [(&str, &[(&str, &str)]); 5] = [
    (
        "seeds/000_b42ca81dea8a15e8.txt",
        &[
            (
                "Le général Assimi Goïta est arrivé en Russie dimanche 22 juin,",
                "l’insécurité est de plus en plus présente.",
            ),
            (
                "La visite du chef de la junte intervient également",
                "sous le contrôle du ministère russe de la défense.",
            ),
            (
                "Assimi Goïta est arrivé dimanche matin à Moscou,",
                "la sécurité, l’énergie, le transport », a indiqué l’ORTM.",
            ),
            (
                "Depuis qu’ils ont pris le pouvoir après deux coups d’État",
                "des camps et postes de contrôle de l’armée.",
            ),
        ],
    ),
    (
        "seeds/001_5f92c53881a3696a.txt",
        &[
            (
                "MOSCOU – 23 juin 2025 – Le président de la transition malienne,",
                "recentrage stratégique des partenariats sécuritaires.",
            ),
            ("Arrivé à Moscou dans la matinée,", "depuis la rupture avec l’ancien partenaire français."),
            (
                "Cette visite intervient quelques jours seulement",
                "une présence russe officielle dans la région sahélienne.",
            ),
            ("Selon la télévision nationale malienne (ORTM),", "notamment dans le centre et le nord du pays."),
            (
                "Depuis la prise de pouvoir par les militaires maliens",
                "affiliés à Al-Qaïda et à l’État islamique (EI).",
            ),
            ("Les dernières semaines ont été marquées", "restaurer l’autorité de l’État dans les zones sous tension."),
        ],
    ),
    (
        "seeds/002_5050f1d68d909eaa.txt",
        &[
            ("C’est un fait rare : le président malien,", "avions et hélicoptères russes déployés au Mali."),
            ("À son arrivée en Russie, le président Assimi Goïta", "l’alliance sécuritaire entre Moscou et Bamako."),
            (
                "En marge de cette visite, les ministres de la Défense",
                "tensions croissantes avec les puissances occidentales.",
            ),
            ("D’autres annonces pourraient suivre,", "vis-à-vis des anciens partenaires traditionnels du Mali."),
        ],
    ),
    (
        "seeds/003_e9ab5036bd71f5da.txt",
        &[
            ("Assimi GOÏTA, le président en fonction au Mali,", "rapprochement stratégique entre Bamako et Moscou."),
            ("Le président malien, accompagné de plusieurs membres", "aboutir à la signature d’accords."),
            ("Cette visite intervient dans le prolongement du sommet", "notamment sur le plan sécuritaire."),
            ("Elle devrait également renforcer les relations", "opte pour une diversification de ses alliances."),
        ],
    ),
    (
        "seeds/004_0ee375172cb82c48.txt",
        &[
            (
                "Moscou, 26 juin 2025, En visite officielle en Russie",
                "l’évolution de la coopération entre Bamako et Moscou.",
            ),
            ("Selon le Président Goïta, les relations", "domaines sécuritaire, diplomatique et agricole."),
            ("Sur le plan militaire, le chef de l’État", "n’a pas encore été révélée au public."),
            ("« Le terrorisme est un instrument politique", "sans toutefois en divulguer les noms."),
            ("Le président malien a également comparé", "en une décennie par ces forces étrangères."),
            ("Sur le plan diplomatique, Assimi Goïta", "le renouvellement de sanctions contre le Mali."),
            ("Enfin, le Président a réaffirmé", "y compris l’usage de drones kamikazes."),
        ],
    ),
];

fn read(path: &str) -> (Document, Vec<Paragraph>) {
    let source = Source::expand(path, Format::Article).remove(0).unwrap();
    let document = source.documents(&Columns::default()).unwrap().next().unwrap().unwrap();
    let paragraphs = Cleaner.paragraphs(&document);
    (document, paragraphs)
}

#[test]
fn each_article_gives_its_own_paragraphs_and_nothing_else() {
    for (path, expected) in ARTICLES {
        let (document, paragraphs) = read(path);
        let found: Vec<&str> = paragraphs.iter().map(|p| p.text.as_str()).collect();
        assert_eq!(found.len(), expected.len(), "{path}: {found:#?}");
        for (text, (start, end)) in found.iter().zip(expected) {
            assert!(text.replace('\u{a0}', " ").starts_with(start), "{path}: {text}");
            assert!(text.replace('\u{a0}', " ").ends_with(end), "{path}: {text}");
        }
        for p in &paragraphs {
            let slice = &document.text[p.start..p.end];
            assert_eq!(slice.split_whitespace().collect::<Vec<_>>().join(" "), p.text);
        }
    }
}

#[test]
fn a_directory_gives_its_articles_by_sorted_path_and_passes_over_other_files() {
    let ids: Vec<String> =
        Source::expand("seeds", Format::Article).into_iter().map(|s| s.unwrap().id().to_string()).collect();
    assert_eq!(ids, ARTICLES.map(|(path, _)| path));
}
