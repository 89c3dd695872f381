//! The `market` of a fleet of rollups: prices outside, arbitrageurs, searchers.

use super::rollups::Section;
use super::thousands;
use crate::kernel::math;
use crate::rollup::liquidity::price::PricePlan;
use crate::rollup::presets;
use crate::scenario::error::ScenarioError;
use crate::scenario::library::duration;
use crate::scenario::limits;
use crate::scenario::plan::{
    MarketPlan, PoolsPlan, ProvidersPlan, SearchersPlan, TradePlan, TxKind, UsersPlan,
};
use crate::scenario::spec::{FleetSpec, MarketSpec, PoolsSpec};
use crate::scenario::units::{Price, Real};

impl Section<'_> {
    /// What kind of market pools are, and who does not go there.
    pub(super) fn pools(&self, spec: &FleetSpec, demand: &mut UsersPlan) -> Result<(), ScenarioError> {
        let Some(PoolsSpec::Concentrated { range }) = spec.pools else { return Ok(()) };
        let ppm = range.map_or(100_000, |range| range.0);
        let path = self.path("pools.range");
        let ppm = self.context.between(&path, ppm, (6_000, 9_000_000), |v| Real(v).to_string())?;
        if !demand.mix.iter().any(|(kind, share)| *kind == TxKind::Swap && *share > 0) {
            let problem = "nobody swaps: the mix has no `swap`";
            return Err(self.context.error(&self.path("pools"), problem));
        }
        let market = spec.market.as_ref();
        let strangers = [
            (
                "market.searchers",
                market.is_some_and(|market| market.searchers.is_some()),
                "searchers' contracts read the reserves of constant-product pools",
            ),
            (
                "market.providers",
                market.is_some_and(|market| market.providers.is_some()),
                "providers do not move ranges",
            ),
            (
                "travellers",
                spec.travellers.as_ref().is_some_and(|travellers| !travellers.is_empty()),
                "their routes are worked out for constant-product pools",
            ),
        ];
        if let Some((field, _, why)) = strangers.into_iter().find(|(_, there, _)| *there) {
            let problem = format!("a fleet with `pools: Concentrated` takes no `{field}`: {why}");
            let error = self.context.error(&self.path(field), problem);
            return Err(error.help("leave it out, or set `pools: Constant`"));
        }
        let trade = demand.trade.unwrap_or(super::workload::TRADE);
        demand.trade = Some(TradePlan { pools: PoolsPlan::concentrated(ppm as f64 / 1e6), ..trade });
        Ok(())
    }

    pub(super) fn market(
        &self,
        spec: &FleetSpec,
        demand: &mut UsersPlan,
        (count, nodes): (u32, u32),
    ) -> Result<Option<MarketPlan>, ScenarioError> {
        let Some(market) = &spec.market else { return Ok(None) };
        let real = |field: &str, value: Option<Real>, default: u64, most: u64| {
            let path = self.path(&format!("market.{field}"));
            let value = value.map_or(default, |value| value.0);
            self.context.between(&path, value, (0, most), |v| Real(v).to_string())
        };
        let day_ppm = real("volatility", market.volatility, 50_000, 10_000_000)?;
        let jumps_ppm = real("jumps", market.jumps, 0, 100_000_000_000)?;
        let jump_ppm = real("jump", market.jump, 10_000, 1_000_000)?;
        let second_ns = 1_000_000_000;
        let step_ns = market.step.map_or(second_ns, |step| step.0);
        let most = 100.min(u64::from(nodes));
        let arbitrageurs = self.count("market.arbitrageurs", market.arbitrageurs.unwrap_or(1), 0, most)?;
        if arbitrageurs > 0 && u64::from(count) > limits::WATCHED_ROLLUPS_MAX {
            let problem = format!(
                "arbitrageurs watch every rollup: {} are more than {}",
                thousands(count.into()),
                thousands(limits::WATCHED_ROLLUPS_MAX)
            );
            return Err(self.context.error(&self.path("market.arbitrageurs"), problem));
        }
        if !demand.mix.iter().any(|(kind, share)| *kind == TxKind::Swap && *share > 0) {
            let problem = "nobody swaps: the mix has no `swap`";
            return Err(self.context.error(&self.path("market"), problem));
        }
        let (searchers, searching) = self.searchers(spec, market, demand, (count, nodes))?;
        let worth_milli_eth = self.worth(market)?;
        let (providers, providing) = self.providers(market, (count, nodes))?;
        let trade = demand.trade.unwrap_or(super::workload::TRADE);
        demand.trade = Some(TradePlan { arbitrageurs, searchers, providers, ..trade });
        Ok(Some(MarketPlan {
            price: PricePlan {
                volatility_ppb: (day_ppm as f64 * 1e3 / math::sqrt(86_400.0)).round() as u64,
                jumps_milli_per_day: jumps_ppm / 1_000,
                jump_ppm,
            },
            step_ns: self.duration("market.step", step_ns, (100_000_000, 3_600 * second_ns))?,
            cost_ppb: self.context.between(
                &self.path("market.cost_ppb"),
                market.cost_ppb.unwrap_or(10),
                (0, 1_000_000_000),
                thousands,
            )?,
            worth_milli_eth,
            searchers: searching,
            providers: providing,
        }))
    }

    fn worth(&self, market: &MarketSpec) -> Result<Option<u64>, ScenarioError> {
        let default = market.searchers.is_some().then_some(Real(1_000_000_000));
        let Some(worth) = market.worth_eth.or(default) else { return Ok(None) };
        if market.cost_ppb.is_some() {
            let problem =
                "what a trade costs is given twice: by `cost_ppb`, and by the price of gas and `worth_eth`";
            return Err(self
                .context
                .error(&self.path("market.cost_ppb"), problem)
                .help("leave out one of them; with searchers, `cost_ppb`"));
        }
        let bounds = (1_000, 100_000_000_000_000);
        let worth_ppm =
            self.context.between(&self.path("market.worth_eth"), worth.0, bounds, |v| Real(v).to_string())?;
        Ok(Some(worth_ppm / 1_000))
    }

    /// How many providers, and how they decide.
    fn providers(
        &self,
        market: &MarketSpec,
        (count, nodes): (u32, u32),
    ) -> Result<(u32, Option<ProvidersPlan>), ScenarioError> {
        let Some(spec) = &market.providers else { return Ok((0, None)) };
        let path = |field: &str| self.path(&format!("market.providers.{field}"));
        let most = 100.min(u64::from(nodes));
        let many = self.context.count_u32(&path("count"), Some(spec.count.unwrap_or(2)), 1, most)?;
        self.watch("providers", many, count)?;
        let window_ns = self.context.between(
            &path("window"),
            spec.window.map_or(60_000_000_000, |d| d.0),
            (1_000_000_000, 3_600_000_000_000),
            duration,
        )?;
        let leave = spec.leave.map_or(10, |leave| leave.0);
        let leave_ppm =
            self.context.between(&path("leave"), leave, (0, 1_000_000), |v| Real(v).to_string())?;
        Ok((many, Some(ProvidersPlan { window_ns, leave_ppb: leave_ppm * 1_000 })))
    }

    /// Agents who each watch every rollup must not be too many.
    fn watch(&self, who: &str, many: u32, count: u32) -> Result<(), ScenarioError> {
        if u64::from(many) * u64::from(count) <= limits::WATCHED_ROLLUPS_MAX {
            return Ok(());
        }
        let problem = format!(
            "{} {who} on {} rollups: their product is above {}",
            thousands(many.into()),
            thousands(count.into()),
            thousands(limits::WATCHED_ROLLUPS_MAX)
        );
        Err(self.context.error(&self.path(&format!("market.{who}.count")), problem))
    }

    /// How many searchers, and how they decide.
    fn searchers(
        &self,
        fleet: &FleetSpec,
        market: &MarketSpec,
        demand: &UsersPlan,
        (count, nodes): (u32, u32),
    ) -> Result<(u32, Option<SearchersPlan>), ScenarioError> {
        let Some(spec) = &market.searchers else { return Ok((0, None)) };
        let path = |field: &str| self.path(&format!("market.searchers.{field}"));
        let most = 100.min(u64::from(nodes));
        let many = self.context.count_u32(&path("count"), Some(spec.count.unwrap_or(3)), 0, most)?;
        self.watch("searchers", many, count)?;
        if demand.instances > 4 {
            let problem = format!(
                "searchers go around the ring of all pools: {} are more than 4, and each takes a fee",
                demand.instances
            );
            return Err(self.context.error(&self.path("demand.instances"), problem));
        }
        let least = fleet.base_fee.map_or_else(
            || {
                presets::named(fleet.preset.as_deref().unwrap_or("op-like"))
                    .map_or(0, |p| p.rules.base_fee_min_wei)
            },
            |price| price.0,
        );
        let tip_wei = self.context.between(
            &path("tip"),
            spec.tip.map_or(least / 100, |tip| tip.0),
            (0, limits::PRICE_MAX_WEI),
            |v| Price(v).to_string(),
        )?;
        let window_ns = self.context.between(
            &path("window"),
            spec.window.map_or(30_000_000_000, |d| d.0),
            (1_000_000_000, 3_600_000_000_000),
            duration,
        )?;
        let margin = spec.margin.map_or(0, |margin| margin.0);
        let margin_ppm =
            self.context.between(&path("margin"), margin, (0, 100_000_000), |v| Real(v).to_string())?;
        Ok((many, Some(SearchersPlan { tip_wei, window_ns, margin_ppm })))
    }
}
