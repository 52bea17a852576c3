"""What the README's examples call."""


def price(value, years=1):
    return value * 1.05**years


def risk(value):
    return value / 10
