-- A person may put a parked event aside: money that is not this deployment's.

alter table holdfast.payment_events
    -- who put it aside
    add column actor text,
    drop constraint payment_event_outcome_is_known,
    add constraint payment_event_outcome_is_known
        check (outcome in
        ('parked', 'completed', 'completed_late', 'refund_due', 'review', 'excess', 'recorded',
            'no_effect', 'dismissed')),
    add constraint payment_event_actor_matches_outcome
        check ((outcome = 'dismissed') = (actor is not null and actor <> ''));
