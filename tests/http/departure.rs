//! Departures and the catalogue as people look for them: by the day, by what is near, by what is
//! typed.

use serde_json::{Value, json};
use tests::TestDb;
use tests::clerk::Clerk;
use tests::pages::all_pages;

async fn nothing() {}

async fn shop_in(clerk: &Clerk, zone: &str) {
    let body = json!({ "name": "Main", "currency": "INR", "time_zone": zone });
    clerk.put("", body).await.ok(200);
}

/// A departure with so many seats.
async fn departure(clerk: &Clerk, sku: &str, title: &str, departs_at: &str, seats: u32) {
    let body = json!({ "title": title, "price_minor": 1000, "departs_at": departs_at });
    clerk.put(&format!("/skus/{sku}"), body).await.ok(201);
    if seats > 0 {
        let body = json!({ "quantity": seats, "expected_version": 0 });
        clerk
            .post(&format!("/stock/{sku}/receive"), body)
            .await
            .ok(200);
    }
}

fn codes(rows: &Value) -> Vec<&str> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["sku"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_day_of_departures_is_a_day_of_the_shops_zone() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    shop_in(&clerk, "Asia/Kolkata").await;
    for (sku, at) in [
        ("EVE", "2027-01-31T18:29:59Z"),
        ("FIRST", "2027-01-31T18:30:00Z"),
        ("NOON", "2027-02-01T12:00:00+05:30"),
        ("LAST", "2027-02-01T23:59:59+05:30"),
        ("NEXT", "2027-02-02T00:00:00+05:30"),
    ] {
        departure(&clerk, sku, "Goa", at, 4).await;
    }
    departure(&clerk, "GONE", "Goa", "2027-02-01T10:00:00+05:30", 4).await;
    clerk.delete("/skus/GONE").await.ok(200);
    test.sku("DRESS", 1).await;

    let day = clerk.get("/departures?day=2027-02-01").await;
    let day = day.ok(200);
    assert_eq!(codes(&day["departures"]), ["FIRST", "NOON", "LAST"]);
    assert_eq!(day["time_zone"], "Asia/Kolkata");
    assert_eq!(day["departures"][1]["local_time"], "2027-02-01T12:00:00");
    let two = clerk.get("/departures?day=2027-02-01&days=2").await;
    assert_eq!(two.ok(200)["departures"].as_array().unwrap().len(), 4);
    let pages = all_pages(&clerk, "/departures?day=2027-01-31&days=3", 2, nothing).await;
    assert_eq!(
        codes(&json!(pages)),
        ["EVE", "FIRST", "NOON", "LAST", "NEXT"]
    );

    // the day follows the shop's zone
    shop_in(&clerk, "UTC").await;
    let day = clerk.get("/departures?day=2027-01-31").await;
    assert_eq!(codes(&day.ok(200)["departures"]), ["EVE", "FIRST"]);
    for zone in ["IST", "Asia/Nowhere", "+05:30"] {
        let body = json!({ "name": "Main", "currency": "INR", "time_zone": zone });
        clerk.put("", body).await.names("time_zone");
    }
    for (query, field) in [
        ("", "day"),
        ("day=today", "day"),
        ("day=2027-02-30", "day"),
        ("day=2027-02-01&days=0", "days"),
        ("day=2027-02-01&days=32", "days"),
    ] {
        clerk
            .get(&format!("/departures?{query}"))
            .await
            .names(field);
    }
}

/// The seats of a list are those of the manifest, after every way to sell and to give back.
#[tokio::test]
async fn sold_seats_are_counted_with_every_sale_and_return() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    departure(&clerk, "BUS", "Goa", "2027-02-01T06:00:00Z", 20).await;
    departure(&clerk, "TRAIN", "Goa", "2027-02-01T07:00:00Z", 20).await;
    let desk = test.desk(1);
    let booked = desk.booked(&[("BUS", 3)]).await;
    let booked = desk.amend(&booked, &[("BUS", 5)]).await.unwrap();
    let booked = desk.amend(&booked, &[("BUS", 2)]).await.unwrap();
    desk.amend(&booked, &[("TRAIN", 2)]).await.unwrap();
    let cancelled = desk.booked(&[("BUS", 4)]).await;
    desk.cancel(&cancelled).await.unwrap();
    test.paid_order("BUS", "pay-1").await;
    test.held(&[("BUS", 6)]).await;

    let day = clerk.get("/departures?day=2027-02-01").await;
    let rows = day.ok(200)["departures"].clone();
    for row in rows.as_array().unwrap() {
        let sku = row["sku"].as_str().unwrap();
        let manifest = clerk.get(&format!("/skus/{sku}/manifest")).await;
        let manifest = manifest.ok(200);
        for number in ["on_hand", "held", "available", "sold", "departs_at"] {
            assert_eq!(row[number], manifest[number], "{sku} {number}");
        }
    }
    assert_eq!(rows[0]["held"], 6);
    assert_eq!(rows[1]["sold"], 2);
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_full_departure_has_neighbours_of_its_line_first() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    let at = |hour: u32| format!("2099-02-01T{hour:02}:00:00Z");
    departure(&clerk, "G10", "Goa", &at(10), 2).await;
    departure(&clerk, "G08", "Goa", &at(8), 6).await;
    departure(&clerk, "G13", "Goa", &at(13), 6).await;
    departure(&clerk, "G11", "Goa", &at(11), 1).await;
    departure(&clerk, "H10", "Hampi", &at(10), 6).await;
    departure(&clerk, "GONE", "Goa", &at(9), 6).await;
    clerk.delete("/skus/GONE").await.ok(200);
    departure(&clerk, "SHUT", "Goa", &at(9), 6).await;
    let shut = clerk.post("/skus/SHUT/close", json!({})).await;
    assert!(shut.ok(200)["sale_closes_at"].is_string());
    departure(&clerk, "LEFT", "Goa", "2020-02-01T09:00:00Z", 6).await;

    let near = clerk.get("/departures/G10/near?seats=4").await;
    let near = &near.ok(200)["departures"];
    assert_eq!(codes(near), ["G08", "G13", "H10"]);
    assert_eq!(
        (&near[1]["same_line"], &near[2]["same_line"]),
        (&json!(true), &json!(false))
    );
    let few = clerk.get("/departures/G10/near?seats=1").await;
    assert_eq!(
        codes(&few.ok(200)["departures"]),
        ["G11", "G08", "G13", "H10"]
    );
    test.sku("DRESS", 1).await;
    for sku in ["DRESS", "NONE"] {
        clerk
            .get(&format!("/departures/{sku}/near?seats=1"))
            .await
            .refused(404, "not_found");
    }
    clerk.get("/departures/G10/near").await.names("seats");
}

#[tokio::test]
async fn a_sku_is_found_by_what_is_typed() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    for (sku, title) in [
        ("LEHENGA-RED-M", "Bridal lehenga, red, M"),
        ("LEHENGA-RED-XL", "Bridal lehenga, red, XL"),
        ("VEIL", "Tulle veil"),
        ("SAREE-1", "साड़ी, लाल"),
        ("R", "O'Neill \\ \"red\" & 50% <b>"),
    ] {
        let body = json!({ "title": title, "price_minor": 1000 });
        clerk.put(&format!("/skus/{sku}"), body).await.ok(201);
    }
    test.shop("other").await;
    test.sku_of("other", "LEHENGA-RED-S", 1).await;
    let found = async |typed: &str| {
        let query: String = typed.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let answer = clerk.get(&format!("/find?q={query}")).await;
        let skus = answer.ok(200)["skus"].clone();
        codes(&skus).join(" ")
    };
    let both = "LEHENGA-RED-M LEHENGA-RED-XL";
    assert_eq!(found("leh").await, both);
    assert_eq!(found("BRIDAL re").await, both);
    assert_eq!(found("lehenga-red-m").await, "LEHENGA-RED-M");
    assert_eq!(found("LEHENGA-RED-XL").await, "LEHENGA-RED-XL");
    assert_eq!(found("red xl").await, "LEHENGA-RED-XL");
    assert_eq!(found("साड़ी").await, "SAREE-1");
    assert_eq!(found("R").await, format!("R {both}"));
    assert_eq!(found("o'neill 50% & <").await, "R");
    for nothing in ["dress", "ehenga", "' | a", "\\", "%", "&", "main"] {
        assert_eq!(found(nothing).await, "", "{nothing}");
    }
    clerk.get("/find?q=").await.names("q");
}

#[tokio::test]
async fn the_end_of_a_sale_stops_new_holds_and_loses_no_edit() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    test.sku("A", 9).await;
    let held = test.held(&[("A", 1)]).await;
    let first = clerk.post("/skus/A/close", json!({})).await.ok(200).clone();
    let again = clerk.post("/skus/A/close", json!({})).await.ok(200).clone();
    assert_eq!(first, again);
    assert!(test.begin(tests::new_id(), &[("A", 1)]).await.is_err());
    test.order(held).await.unwrap();
    assert_eq!(
        (&first["title"], &first["price_minor"]),
        (&json!("A dress"), &json!(tests::PRICE_MINOR))
    );
    let later = json!({ "title": "B", "price_minor": 1, "sale_opens_at": "2099-01-01T00:00:00Z" });
    clerk.put("/skus/B", later).await.ok(201);
    clerk
        .post("/skus/B/close", json!({}))
        .await
        .refused(409, "sale_not_open");
    clerk
        .post("/skus/NONE/close", json!({}))
        .await
        .refused(404, "not_found");
}

/// A departure's time goes through a file and back.
#[tokio::test]
async fn a_departure_is_exported_and_imported_again() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    departure(&clerk, "BUS", "Goa", "2027-02-01T06:00:00Z", 4).await;
    let importer = tests::import::Importer {
        db: clerk.db().clone(),
        test,
    };
    let file = clerk.get("/export?format=csv").await;
    let file = file.body.as_str().unwrap().to_owned();
    assert!(file.contains(",2027-02-01T06:00:00Z,"), "{file}");
    let moved = file.replace("T06:00:00Z", "T09:30:00Z");
    for (text, outcome, departs_at) in [
        (file.as_str(), "unchanged", "2027-02-01T06:00:00Z"),
        (moved.as_str(), "changed", "2027-02-01T09:30:00Z"),
        (
            "sku,title\nBUS,Goa by bus\n",
            "changed",
            "2027-02-01T09:30:00Z",
        ),
    ] {
        let rows = importer.import(text).await;
        assert_eq!(rows, [tests::import::good(2, outcome)], "{text}");
        let sku = clerk.get("/skus/BUS").await;
        assert_eq!(sku.ok(200)["departs_at"], departs_at, "{text}");
    }
    importer.import("sku,departs_at\nBUS,\n").await;
    let sku = clerk.get("/skus/BUS").await;
    assert_eq!(sku.ok(200).get("departs_at"), None);
}
