//! The three gateways by name.

use crate::account::Gateway;
use crate::cashfree::Cashfree;
use crate::gateway::PaymentGateway;
use crate::razorpay::Razorpay;
use crate::stripe::Stripe;

pub(crate) fn api(gateway: Gateway) -> &'static dyn PaymentGateway {
    match gateway {
        Gateway::Cashfree => &Cashfree,
        Gateway::Stripe => &Stripe,
        Gateway::Razorpay => &Razorpay,
    }
}
