//! What may be read after which change.

use super::*;

const LIFE: Duration = Duration::from_secs(60);

fn facts(standing: &Standing, change: impl FnOnce(&mut Facts)) -> Facts {
    let mut facts = Facts {
        release: ReleaseId::from("sem:a"),
        generation: standing.namespace(&ReleaseId::from("sem:a")).unwrap().generation,
        sequence: standing.sequence(),
        tenant: "ann".to_owned(),
        template: Some("answer".to_owned()),
        arm: "baseline".to_owned(),
        written: Timestamp::from_millis(1_000),
    };
    change(&mut facts);
    facts
}

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

#[test]
fn an_emptied_release_is_another_room_and_its_neighbour_is_not() {
    let before = Standing::new(at(7));
    let after = before.after(&Change::Empty(ReleaseId::from("sem:a")), at(0), LIFE);
    assert!(before.permits(&facts(&before, |_| ())));
    assert!(!after.permits(&facts(&before, |_| ())));
    let other = ReleaseId::from("sem:b");
    assert_eq!(before.namespace(&other), after.namespace(&other));
}

#[test]
fn a_revoked_release_has_no_room_whatever_follows() {
    let a = ReleaseId::from("sem:a");
    let before = Standing::new(at(7));
    let revoked = before.after(&Change::Revoke(a.clone()), at(0), LIFE);
    let later = revoked.after(&Change::Empty(a.clone()), at(1), LIFE);
    for standing in [&revoked, &later] {
        assert_eq!(standing.namespace(&a), None);
        assert!(!standing.permits(&facts(&before, |_| ())));
    }
}

#[test]
fn a_purge_takes_what_fits_every_part_and_nothing_that_was_asked_later() {
    let text = |text: &str| Some(text.to_owned());
    let check = |selector: Selector, change: fn(&mut Facts), taken: bool| {
        let before = Standing::new(at(7));
        let after = before.after(&Change::Purge(selector.clone()), at(5_000), LIFE);
        let old = facts(&before, change);
        assert_eq!(!after.permits(&old), taken, "{selector:?} {old:?}");
        assert!(after.permits(&facts(&after, change)), "{selector:?}: asked later");
    };
    check(Selector::default(), |_| (), true);
    for (selector, other) in [
        (
            Selector { tenant: text("ann"), ..Selector::default() },
            (|facts| facts.tenant = "bob".to_owned()) as fn(&mut Facts),
        ),
        (Selector { template: text("answer"), ..Selector::default() }, |facts| facts.template = None),
        (Selector { arm: text("baseline"), ..Selector::default() }, |facts| {
            facts.arm = "candidate".to_owned();
        }),
        (Selector { before_ms: Some(1_001), ..Selector::default() }, |facts| {
            facts.written = Timestamp::from_millis(1_001);
        }),
        (Selector { release: text("sem:a"), ..Selector::default() }, |facts| {
            facts.release = ReleaseId::from("sem:b");
        }),
    ] {
        check(selector.clone(), |_| (), true);
        check(selector, other, false);
    }
}

#[test]
fn purges_are_forgotten_once_no_entry_can_be_older() {
    let mut standing = Standing::new(at(7));
    for ms in [0, 3_720_001] {
        standing = standing.after(&Change::Purge(Selector::default()), at(ms), LIFE);
    }
    assert_eq!(standing.purges.len(), 1);
}

/// A stream of half a minute over entries of ten seconds: the change in between must not forget the purge.
#[test]
fn a_purge_outlives_the_longest_answer_that_was_asked_for_before_it() {
    let before = Standing::new(at(0));
    let life = Duration::from_secs(10);
    let purged = before.after(&Change::Purge(Selector::default()), at(1_000), life);
    let last = u64::try_from(ANSWER_MAX.as_millis()).unwrap() + 10_000;
    let changed = purged.after(&Change::Empty(ReleaseId::from("sem:b")), at(last), life);
    assert!(!changed.permits(&facts(&before, |facts| facts.written = at(last - 10_000))));
}

#[test]
fn a_record_from_before_purges_had_an_end_keeps_them() {
    let purged = Standing::new(at(7)).after(&Change::Purge(Selector::default()), at(8), LIFE);
    let text = serde_json::to_string(&purged).unwrap();
    let until = format!(",\"until_ms\":{}", purged.purges[0].until_ms);
    assert!(text.contains(&until), "{text}");
    let old: Standing = serde_json::from_str(&text.replace(&until, ",\"made_ms\":8")).unwrap();
    assert_eq!(old.purges[0].until_ms, u64::MAX);
}

#[test]
fn more_purges_than_are_remembered_empty_everything() {
    let first = Standing::new(at(7));
    let mut standing = first.clone();
    for _ in 0..=PURGES_MAX {
        let nobody = Selector { tenant: Some("nobody".to_owned()), ..Selector::default() };
        standing = standing.after(&Change::Purge(nobody), at(0), LIFE);
    }
    assert!(standing.purges.is_empty());
    assert!(!standing.permits(&facts(&first, |_| ())));
}

#[test]
fn a_store_that_went_back_in_time_gives_nothing_back() {
    let a = ReleaseId::from("sem:a");
    let old = Standing::new(at(7));
    let known = old.after(&Change::Revoke(a.clone()), at(0), LIFE);
    assert_eq!(known.repaired(&known, at(9)), None);
    for lost in [&old, &Standing::new(at(8))] {
        let repaired = lost.repaired(&known, at(9)).unwrap();
        assert_eq!(repaired.namespace(&a), None);
        let b = ReleaseId::from("sem:b");
        assert_ne!(repaired.namespace(&b), known.namespace(&b));
        assert!(repaired.sequence() > known.sequence());
    }
}

/// Redis came back from a snapshot, and a replica that had slept changed that before the others looked.
#[test]
fn a_change_that_was_lost_is_noticed_behind_a_later_one_too() {
    let tenant = |name: &str| Selector { tenant: Some(name.to_owned()), ..Selector::default() };
    let snapshot = Standing::new(at(7));
    let later = |change: &Change| snapshot.after(change, at(20), LIFE);
    let bobs = later(&Change::Purge(tenant("bob")));
    for lost in [Change::Purge(tenant("ann")), Change::Empty(ReleaseId::from("sem:a"))] {
        let known = snapshot.after(&lost, at(10), LIFE);
        let anns = facts(&snapshot, |_| ());
        assert!(!known.permits(&anns) && bobs.permits(&anns) && bobs.sequence() > known.sequence());
        let repaired = bobs.repaired(&known, at(21)).unwrap();
        assert!(!repaired.permits(&anns), "{lost:?}");
        let both = known.after(&Change::Purge(tenant("bob")), at(20), LIFE);
        assert_eq!(both.repaired(&known, at(21)), None, "{lost:?} is in it");
    }
    let remade =
        snapshot.repaired(&snapshot.after(&Change::Purge(tenant("ann")), at(10), LIFE), at(11)).unwrap();
    assert!(bobs.repaired(&remade, at(21)).is_some(), "the record from before it was made anew");
    let old = snapshot.after(&Change::Purge(tenant("ann")), at(10), LIFE);
    assert_eq!(bobs.repaired(&old, at(10_000_000)), None, "no entry can be left that it took");
}
