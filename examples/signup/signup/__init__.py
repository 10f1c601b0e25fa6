"""How does a cloud take promo codes at sign-up, so that no code is redeemed without an instance and none gives two?

The path of one sign-up: `web` takes the form, `desk` checks the code and reserves an instance, `work` carries the redemption out step by
step, `store` keeps every step before it is taken, `clouds` and `openstack` make and unmake what is given. README.md says why it cannot go
wrong.
"""
