//! Bulk import and export: what a file changes, and which rows are refused.

use operations::import::{self, ApplyError, Filter, Mode, RowOutcome, StageError, Status};
use operations::quantity::ReportLimit;
use operations::sku::export::Format;
use tests::import::{BUDGET, CLERK, Importer, good, new_import, refused};
use tests::{MAIN, shop};

/// A file with every column.
const FULL: &str = "\
sku,title,attributes,price_minor,currency,sale_opens_at,sale_closes_at,low_stock_threshold,\
limit_per_customer,retired,on_hand,expected_version
A,Lehenga,\"{\"\"size\"\":\"\"M\"\"}\",250000,INR,2027-01-01T00:00:00+05:30,2027-02-01T00:00:00Z,\
2,3,false,7,
B,Dupatta,,9900,,,,,,TRUE,,
";

#[tokio::test]
async fn a_file_creates_new_skus_changes_different_ones_and_leaves_the_rest() {
    let clerk = Importer::new().await;
    let file = FULL.replace(",,,,,TRUE", ",,,0,,TRUE");
    assert_eq!(
        clerk.import(&file).await,
        [good(2, "created"), good(3, "created")]
    );
    assert_eq!(clerk.test.level("A").await, (7, 0, 1));
    assert_eq!(clerk.test.level("B").await, (0, 0, 0));
    let ledger = "select jsonb_agg(jsonb_build_array(reason, actor, delta, \
                  reference like 'import:%')) from holdfast.stock_movements";
    let expected = serde_json::json!([["adjusted", CLERK, 7, true]]);
    assert_eq!(clerk.test.json(ledger).await, expected);

    let file = "sku,price_minor,on_hand\nB,9900,\nA,240000,5\n";
    assert_eq!(
        clerk.import(file).await,
        [good(2, "unchanged"), good(3, "changed")]
    );
    assert_eq!(clerk.test.level("A").await, (5, 0, 2));
    let row = "select to_jsonb(k) - 'created_at' - 'retired_at' from holdfast.skus k \
               where sku = 'A'";
    let a = clerk.test.json(row).await;
    assert_eq!(
        (&a["title"], &a["price_minor"]),
        (&"Lehenga".into(), &240_000.into())
    );
    assert_eq!(a["attributes"]["size"], "M");
    assert_eq!(a["limit_per_customer"], 3);
    let cleared = "sku,limit_per_customer,sale_opens_at,attr.size,attr.colour\nA,,,,red\n";
    assert_eq!(clerk.import(cleared).await, [good(2, "changed")]);
    let a = clerk.test.json(row).await;
    assert_eq!(
        (&a["limit_per_customer"], &a["sale_opens_at"]),
        (&().into(), &().into())
    );
    assert_eq!(a["attributes"], serde_json::json!({ "colour": "red" }));
    assert_ne!(a["sale_closes_at"], serde_json::Value::Null);
    assert_eq!(
        clerk.test.level("A").await.2,
        2,
        "the catalogue is no stock"
    );
    clerk.test.assert_promises_hold().await;
}

#[tokio::test]
async fn json_lines_are_the_same_rows() {
    let clerk = Importer::new().await;
    let lines = "{\"sku\":\"A\",\"title\":\"Lehenga\",\"price_minor\":1,\"on_hand\":4,\
                 \"attributes\":{\"sizes\":[\"M\"]},\"sale_closes_at\":null}\n\n[]\n";
    let id = new_import();
    let rows = import::jsonl::rows(lines.as_bytes(), None).unwrap();
    clerk.stage_rows(MAIN, id, 1, rows).await.unwrap();
    clerk.apply(id, Mode::GoodRowsOnly).await.unwrap();
    let expected = [
        good(1, "created"),
        refused(3, "row: must be one JSON object"),
    ];
    assert_eq!(clerk.lines(id).await, expected);
    assert_eq!(clerk.test.level("A").await, (4, 0, 1));
}

#[tokio::test]
async fn the_same_file_again_changes_nothing() {
    let clerk = Importer::new().await;
    let file = "sku,title,price_minor,on_hand,expected_version\nA,a,1,5,0\nB,b,2,0,\n";
    clerk.import(file).await;
    let before = clerk.goods().await;
    // The version has risen since the export, but the row changes nothing.
    assert_eq!(
        clerk.import(file).await,
        [good(2, "unchanged"), good(3, "unchanged")]
    );
    assert_eq!(clerk.goods().await, before);
}

#[tokio::test]
async fn an_export_imported_changes_nothing() {
    let clerk = Importer::new().await;
    clerk
        .import(FULL.replace(",,,,,TRUE", ",,,0,,TRUE").as_str())
        .await;
    let odd = "'=1+1,\"quoted\" über\u{2028}";
    let titles = format!(
        "update holdfast.skus set title = '{}', attributes = '{{\"n\": \
        [1234567890.10, 1e22], \"t\": \"a\\nb,\\\"c\\\"\"}}' where sku = 'B'",
        odd.replace('\'', "''")
    );
    clerk.test.sql(&titles).await;
    for n in 0..5 {
        clerk.test.sku(&format!("S{n}"), n).await;
    }
    clerk.test.held(&[("S4", 2)]).await;
    let before = clerk.goods().await;
    let csv = clerk.export(Format::Csv, 3).await;
    assert!(csv.contains("''=1+1"), "{csv}");
    let lines = clerk.import(&csv).await;
    assert_eq!(lines.len(), 7);
    assert!(lines.iter().all(|line| line.1 == "unchanged"), "{lines:#?}");
    let jsonl = clerk.export(Format::Jsonl, 7).await;
    let id = new_import();
    let rows = import::jsonl::rows(jsonl.as_bytes(), None).unwrap();
    clerk.stage_rows(MAIN, id, 1, rows).await.unwrap();
    let progress = clerk.apply(id, Mode::AllOrNothing).await.unwrap();
    assert_eq!(
        (progress.unchanged, progress.rows),
        (7, 7),
        "{:?}",
        clerk.lines(id).await
    );
    assert_eq!(clerk.goods().await, before);
}

#[tokio::test]
async fn a_refused_row_names_its_field() {
    let clerk = Importer::new().await;
    clerk.test.sku("A", 5).await;
    clerk.test.held(&[("A", 3)]).await;
    clerk.test.sku("C", 1).await;
    let file = "\
sku,title,price_minor,currency,on_hand,expected_version,sale_opens_at,sale_closes_at
A,a,10000,INR,2,,,
NEW,,,,,,,
C,c,-1,USD,x,,,
C,c,10000,USD,,,,
D,d,1,,1,3,,
E,e,1,,1,,2027-01-02T00:00:00Z,2027-01-01T00:00:00Z
F
";
    let bounds = "must be a whole number from 0 to";
    let twice = vec![
        format!("price_minor: {bounds} 100000000000"),
        format!("on_hand: {bounds} 2000000000"),
    ];
    let columns = file.lines().next().unwrap().split(',').count();
    assert_eq!(
        clerk.import(file).await,
        [
            refused(
                2,
                "on_hand: is below the 3 units that are held; on_hand is 5"
            ),
            (
                3,
                "refused".to_owned(),
                vec![
                    "title: is empty".to_owned(),
                    "price_minor: is empty".to_owned(),
                ]
            ),
            (4, "refused".to_owned(), twice),
            refused(5, "sku: is already in line 4 of this file"),
            refused(6, "expected_version: there is no such sku"),
            refused(7, "sale_closes_at: is not later than sale_opens_at"),
            (
                8,
                "refused".to_owned(),
                vec![format!(
                    "row: must have {columns} fields, as the header has"
                )]
            ),
        ]
    );
    let file = "sku,currency\nNEW,INR\nC,USD\n";
    let lines = clerk.import(file).await;
    assert_eq!(lines[0], refused(2, "title: is needed for a new sku"));
    assert_eq!(
        lines[1],
        refused(3, "currency: is not the shop's currency, INR")
    );
    assert_eq!(clerk.test.level("A").await, (5, 3, 2));
}

#[tokio::test]
async fn a_stale_version_is_refused_with_the_current_numbers() {
    let clerk = Importer::new().await;
    clerk.test.sku("A", 5).await;
    clerk.test.held(&[("A", 1)]).await;
    let file = "sku,on_hand,expected_version\nA,9,1\n";
    let stale = "expected_version: is stale: the stock level has version 2, on_hand 5, held 1";
    assert_eq!(clerk.import(file).await, [refused(2, stale)]);
    let file = "sku,on_hand,expected_version\nA,9,2\n";
    assert_eq!(clerk.import(file).await, [good(2, "changed")]);
    assert_eq!(clerk.test.level("A").await, (9, 1, 3));
}

#[tokio::test]
async fn a_dry_run_reports_the_changes_and_makes_none() {
    let clerk = Importer::new().await;
    clerk.test.sku("A", 5).await;
    let before = clerk.goods().await;
    let id = new_import();
    clerk
        .stage(
            id,
            "sku,title,price_minor,on_hand\nA,a,1,9\nB,b,1,9\nC,c,x,9\n",
        )
        .await;
    for _ in 0..2 {
        let tried = clerk.try_out(id).await.unwrap();
        assert_eq!(tried.status, Status::Tried);
        assert_eq!((tried.created, tried.changed, tried.refused), (1, 1, 1));
        assert_eq!(clerk.goods().await, before);
    }
    // The application ignores the result of the dry run: it judges every row again.
    clerk.test.sku("B", 9).await;
    let done = clerk.apply(id, Mode::GoodRowsOnly).await.unwrap();
    assert_eq!((done.created, done.changed, done.refused), (0, 2, 1));
    let again = clerk.apply(id, Mode::GoodRowsOnly).await.unwrap();
    assert_eq!(again, done, "asked again, it says the same");
    let dry = clerk.try_out(id).await;
    assert!(matches!(dry, Err(ApplyError::Closed)), "{dry:?}");
}

#[tokio::test]
async fn all_or_nothing_applies_nothing_when_one_row_is_bad() {
    let clerk = Importer::new().await;
    clerk.test.sku("A", 5).await;
    let mut file = String::from("sku,title,price_minor,on_hand\nA,a,1,9\n");
    for n in 0..import::stage::CHUNK_ROWS {
        file.push_str(&format!("N{n},n,1,1\n"));
    }
    let before = clerk.goods().await;
    let id = new_import();
    clerk.stage(id, &format!("{file}Z,z,x,1\n")).await;
    let rejected = clerk.apply(id, Mode::AllOrNothing).await.unwrap();
    assert_eq!((rejected.status, rejected.refused), (Status::Rejected, 1));
    assert_eq!(clerk.goods().await, before);
    let id = new_import();
    clerk.stage(id, &file).await;
    let done = clerk.apply(id, Mode::AllOrNothing).await.unwrap();
    assert_eq!(
        (done.status, done.created, done.changed),
        (Status::Done, 500, 1)
    );
    assert_eq!(clerk.test.level("N499").await, (1, 0, 1));
    clerk.test.assert_promises_hold().await;
}

#[tokio::test]
async fn parts_come_in_any_order_may_be_replaced_and_must_be_complete() {
    let clerk = Importer::new().await;
    let id = new_import();
    let part = |text: &str, line| {
        let text = format!("sku,title,price_minor\n{text}");
        import::csv::rows(text.as_bytes(), Some(line)).unwrap()
    };
    let second = clerk
        .stage_rows(MAIN, id, 2, part("B,b,1\nA,again,1\n", 4))
        .await
        .unwrap();
    assert_eq!((second.rows, second.next_part), (2, 1));
    let request = |parts| Importer::request(parts, Mode::GoodRowsOnly, false);
    let missing = clerk.applied(id, &request(2)).await;
    assert!(
        matches!(missing, Err(ApplyError::Incomplete(1))),
        "{missing:?}"
    );
    clerk
        .stage_rows(MAIN, id, 1, part("WRONG,w,1\n", 2))
        .await
        .unwrap();
    let first = clerk
        .stage_rows(MAIN, id, 1, part("A,a,1\n\nC,c,1\n", 2))
        .await
        .unwrap();
    assert_eq!(first.next_part, 3);
    let too_many = clerk.applied(id, &request(1)).await;
    assert!(
        matches!(too_many, Err(ApplyError::Incomplete(_))),
        "{too_many:?}"
    );
    clerk.applied(id, &request(2)).await.unwrap();
    let twice = refused(5, "sku: is already in line 2 of this file");
    let expected = [
        good(2, "created"),
        good(4, "created"),
        good(4, "created"),
        twice,
    ];
    assert_eq!(clerk.lines(id).await, expected);
    let late = clerk.stage_rows(MAIN, id, 3, part("D,d,1\n", 6)).await;
    assert!(matches!(late, Err(StageError::Closed)), "{late:?}");
    let other = Importer::request(2, Mode::AllOrNothing, false);
    let other = clerk.applied(id, &other).await;
    assert!(matches!(other, Err(ApplyError::Closed)), "{other:?}");
}

#[tokio::test]
async fn an_import_too_large_for_all_or_nothing_is_refused_before_it_begins() {
    let clerk = Importer::new().await;
    let id = new_import();
    let parts = import::ALL_OR_NOTHING_ROWS_MAX / 5_000 + 1;
    let request = Importer::request(parts, Mode::AllOrNothing, false);
    for part in 1..=parts {
        let rows: String = (0..5_000).map(|n| format!("N{part}-{n}\n")).collect();
        let rows = import::csv::rows(format!("sku\n{rows}").as_bytes(), None).unwrap();
        clerk.stage_rows(MAIN, id, part, rows).await.unwrap();
    }
    let refused = clerk.applied(id, &request).await;
    assert!(
        matches!(refused, Err(ApplyError::TooLarge(15_000))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn another_shops_import_does_not_exist() {
    let clerk = Importer::new().await;
    clerk.test.shop("other").await;
    let id = new_import();
    clerk.stage(id, "sku,title,price_minor\nA,a,1\n").await;
    let before = clerk.report(id).await;
    let (all, limit) = (Filter::default(), ReportLimit::default());
    let report = import::report(&clerk.db, &shop("other"), id, all, None, limit).await;
    assert!(matches!(report, Ok(None)), "{report:?}");
    let request = Importer::request(1, Mode::GoodRowsOnly, false);
    let applied = clerk.send("other", id, &request, BUDGET).await;
    assert!(matches!(applied, Err(ApplyError::NotFound)), "{applied:?}");
    // The same id in another shop is another import.
    let rows = import::csv::rows(b"sku,title,price_minor\nX,x,1\n", None).unwrap();
    clerk.stage_rows("other", id, 1, rows).await.unwrap();
    clerk.send("other", id, &request, BUDGET).await.unwrap();
    assert_eq!(clerk.report(id).await, before);
    let skus = "select jsonb_agg(shop || '/' || sku) from holdfast.skus";
    assert_eq!(clerk.test.json(skus).await, serde_json::json!(["other/X"]));
    let rows = import::csv::rows(b"sku\nX\n", None).unwrap();
    let nowhere = clerk.stage_rows("nowhere", id, 1, rows).await;
    assert!(
        matches!(nowhere, Err(StageError::UnknownShop)),
        "{nowhere:?}"
    );
}

#[tokio::test]
async fn unusual_values_are_imported_unchanged() {
    let clerk = Importer::new().await;
    let odd = [
        "'; drop table holdfast.skus; --",
        "=HYPERLINK(\"http://example.com\")",
        "\"quoted\", {\"json\": 1} and {braces}",
        "NULL",
        "\\N",
        "über ملابس 👗 \u{202e}",
    ];
    let mut file = String::from("\u{feff}sku,title,price_minor,attr.note\r\n");
    for (n, text) in odd.iter().enumerate() {
        let cell = text.replace('"', "\"\"");
        file.push_str(&format!("S{n},\"{cell}\",1,\"{cell}\nline, two\"\r\n"));
    }
    let lines = clerk.import(&file).await;
    assert!(lines.iter().all(|line| line.1 == "created"), "{lines:#?}");
    let rows = "select jsonb_agg(jsonb_build_array(title, attributes->>'note') order by sku) \
                from holdfast.skus";
    let rows = clerk.test.json(rows).await;
    for (n, text) in odd.iter().enumerate() {
        assert_eq!(
            rows[n],
            serde_json::json!([text, format!("{text}\nline, two")])
        );
    }
    let before = clerk.goods().await;
    let exported = clerk.export(Format::Csv, 100).await;
    assert!(exported.contains("\"'=HYPERLINK"), "{exported}");
    clerk.import(&exported).await;
    assert_eq!(clerk.goods().await, before);
}

#[tokio::test]
async fn a_report_is_read_page_by_page_and_by_outcome() {
    let clerk = Importer::new().await;
    let id = new_import();
    let rows: String = (0..7)
        .map(|n| format!("N{n},n,{}\n", if n % 3 == 0 { "x" } else { "1" }))
        .collect();
    clerk
        .stage(id, &format!("sku,title,price_minor\n{rows}"))
        .await;
    let staged = clerk.lines(id).await;
    assert_eq!(
        (staged[0].1.as_str(), staged[1].1.as_str()),
        ("refused", "none")
    );
    clerk.apply(id, Mode::GoodRowsOnly).await.unwrap();
    let filter = Filter {
        outcome: Some(RowOutcome::Refused),
    };
    let limit = ReportLimit::try_from(2).unwrap();
    let mut after = None;
    let mut pages = Vec::new();
    loop {
        let (db, main) = (&clerk.db, shop(MAIN));
        let report = import::report(db, &main, id, filter, after.as_ref(), limit).await;
        let report = report.unwrap().unwrap();
        assert_eq!((report.refused, report.created), (3, 4));
        let lines: Vec<i32> = report.page.iter().map(|row| row.line).collect();
        pages.push(lines);
        let Some(next) = report.next else { break };
        after = Some(next.as_str().parse().unwrap());
    }
    assert_eq!(pages, [vec![2, 5], vec![8]]);
}

#[tokio::test]
async fn an_import_is_purged_after_thirty_days_and_the_ledger_is_not() {
    let clerk = Importer::new().await;
    clerk
        .import("sku,title,price_minor,on_hand\nA,a,1,1\n")
        .await;
    let fresh = new_import();
    clerk.stage(fresh, "sku\nA\n").await;
    clerk
        .test
        .sql(&format!(
            "update holdfast.imports set created_at = now() - interval '31 days' \
             where import_id <> '{fresh}'"
        ))
        .await;
    let report = clerk.test.sweep().await;
    assert!(report.shops[0].failure.is_none(), "{report:?}");
    let rows = clerk.test.rows().await;
    for table in ["imports", "import_parts", "import_chunks", "import_skus"] {
        assert_eq!(rows[table].len(), 1, "{table}");
        assert_eq!(rows[table][0]["import_id"], fresh.to_string());
    }
    assert_eq!(rows["stock_movements"].len(), 1);
    clerk.test.assert_promises_hold().await;
}
