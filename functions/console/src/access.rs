//! The sections of the console, and the roles that open them.

use serde::{Deserialize, Serialize};

/// A role, as the claim of a person's token writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Sees the sale and the health, no customer, and changes nothing.
    Viewer,
    Desk,
    Stock,
    Support,
    Owner,
}

impl Role {
    /// The role with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "viewer" => Self::Viewer,
            "desk" => Self::Desk,
            "stock" => Self::Stock,
            "support" => Self::Support,
            "owner" => Self::Owner,
            _ => return None,
        })
    }
}

/// Whether a person with these roles sees who the customers are. Somebody who only looks at numbers
/// does not need to.
pub(crate) fn sees_customers(roles: &[Role]) -> bool {
    roles.iter().any(|role| *role != Role::Viewer)
}

/// A part of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Desk,
    Stock,
    Sale,
    Support,
    Health,
}

impl Section {
    /// In the order of the navigation.
    const ALL: &[Self] = &[
        Self::Desk,
        Self::Stock,
        Self::Sale,
        Self::Support,
        Self::Health,
    ];

    /// Its name in paths, and in the keys of its texts.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Desk => "desk",
            Self::Stock => "stock",
            Self::Sale => "sale",
            Self::Health => "health",
            Self::Support => "support",
        }
    }

    /// Where a person with these roles begins: with the work of the first one.
    pub(crate) fn first(roles: &[Role]) -> Option<Self> {
        roles.first().map(|role| match role {
            Role::Viewer => Self::Health,
            Role::Desk => Self::Desk,
            Role::Stock => Self::Stock,
            Role::Support => Self::Support,
            Role::Owner => Self::Sale,
        })
    }

    /// The section of a route, such as `/console/{shop}/desk`.
    pub(crate) fn of_route(route: &str) -> Option<Self> {
        let name = route.split('/').nth(3)?;
        Self::ALL
            .iter()
            .copied()
            .find(|section| section.name() == name)
    }

    /// Who may read it.
    fn readers(self) -> &'static [Role] {
        match self {
            Self::Desk => &[Role::Desk, Role::Owner],
            Self::Stock => &[Role::Stock, Role::Owner],
            Self::Sale => &[Role::Viewer, Role::Owner],
            Self::Health => &[Role::Viewer, Role::Support, Role::Owner],
            Self::Support => &[Role::Support, Role::Owner],
        }
    }

    /// Who may change something.
    fn writers(self) -> &'static [Role] {
        match self {
            Self::Desk => &[Role::Desk, Role::Owner],
            Self::Stock => &[Role::Stock, Role::Owner],
            Self::Sale => &[Role::Owner],
            Self::Health => &[Role::Support, Role::Owner],
            Self::Support => &[Role::Support, Role::Owner],
        }
    }

    /// Whether somebody with these roles may read it.
    pub(crate) fn may_read(self, roles: &[Role]) -> bool {
        roles.iter().any(|role| self.readers().contains(role))
    }

    /// Whether somebody with these roles may change something.
    pub(crate) fn may_change(self, roles: &[Role]) -> bool {
        roles.iter().any(|role| self.writers().contains(role))
    }

    /// The sections that these roles open.
    pub(crate) fn open_to(roles: &[Role]) -> impl Iterator<Item = Self> {
        let all = Self::ALL.iter().copied();
        all.filter(|section| section.may_read(roles))
    }
}
