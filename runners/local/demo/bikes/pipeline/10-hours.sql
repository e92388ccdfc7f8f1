-- One row per hour: 2011 from the published history, everything later from live traffic with its labels.
-- Season, mnth, yr, instant, casual and registered stay behind (data.yml says why).
select
  dteday::date::timestamp + to_hours(hr) as ts,
  hr, weekday, workingday, holiday, weathersit, temp, atemp, hum, windspeed,
  cnt
from history
where dteday::date < date '2012-01-01'

union all by name

-- A request that was sent again is one hour still: its last answer counts.
select
  event_time as ts,
  hr, weekday, workingday, holiday, weathersit, temp, atemp, hum, windspeed,
  label::bigint as cnt
from traffic
where label is not null
qualify row_number() over (partition by event_time order by prediction_id desc) = 1
