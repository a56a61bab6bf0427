# How people read a phrase in English, where that is not how it is said on the wire (reasons.ftl, which rules match).

smart-attribute-below = attribute { $number } is below its threshold
smart-attribute-was-below = attribute { $number } was below its threshold
smart-reallocated = reallocated sectors: { $number }
smart-pending = pending sectors: { $number }
smart-offline-uncorrectable = offline uncorrectable sectors: { $number }
smart-uncorrected = uncorrected errors: { $number }
smart-end-to-end = end-to-end errors: { $number }
smart-spin-retries = spin retries: { $number }
smart-interface-crc = CRC errors of the interface: { $number }
smart-life-used = { $number } % of the rated life is used
smart-signs = signs of failing media: { $number }
