INSERT INTO server_settings (epoch, secret)
SELECT gen_random_uuid()::text,
       decode(replace(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');
