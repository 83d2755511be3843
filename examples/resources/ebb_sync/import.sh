# By the name of the sync. What Ebb has recorded of it is taken over.
terraform import ebb_sync.customer_ltv customer-ltv
