//! Looking closer: nodes, links, blocks, groups; numbers beside plots; files.

use super::*;
use crate::session::Focus;

/// Paused in the middle of a block's way.
fn on_its_way(name: &str) -> Harness<'static, App> {
    let mut window = window(name, SMALL);
    paused(&mut window);
    let later = now_ns(window.state()) / 2_000_000_000 * 2_000_000_000 + 2_350_000_000;
    window.state_mut().session.seek(later);
    until(&mut window, "a block is on its way", |app| now_ns(app) == later && !app.session.is_moving());
    window
}

#[test]
fn a_node_and_its_links_are_looked_at_with_clicks() {
    let mut window = on_its_way("closer.ron");
    window.state_mut().session.selection.choose_node(Some(7));
    until(&mut window, "the node is described", |app| {
        app.session.snapshot().node.as_ref().is_some_and(|d| d.node == 7)
    });
    window.state_mut().reveal("inspector");
    window.run_steps(3);
    window.get_by_role_and_label(Role::Label, "Node 7");
    let peer = window.state().session.placement().expect("placed").topology.neighbours(7)[0];
    // It may be scrolled out of sight: by the way of a screen reader.
    window.get_by_label(&format!("Link to node {peer}")).click_accesskit();
    window.run_steps(3);
    let ends = [peer.min(7), peer.max(7)];
    assert_eq!(window.state().session.selection.link, Some(ends));
    until(&mut window, "the link is described", |app| {
        app.session.snapshot().link.as_ref().is_some_and(|l| l.ends == ends)
    });
    window.run_steps(2);
    let link = window.state().session.snapshot().link.clone().expect("asked for");
    assert!(link.neighbours && link.latency_ns[0] > 0);
    window.get_by_label("one way");
    assert_eq!(window.state().session.selection.focus, Focus::Link);
}

#[test]
fn the_chain_of_causes_adds_up_to_the_nanosecond() {
    let mut window = on_its_way("chain.ron");
    let had = |app: &App| {
        let states = app.session.snapshot().states.iter().enumerate();
        states.filter(|(_, s)| s.executed_ns > 0 && s.sender < 60).map(|(n, s)| (n as u32, *s)).next_back()
    };
    let (node, state) = had(window.state()).expect("somebody has executed it");
    window.state_mut().session.selection.choose_node(Some(node));
    until(&mut window, "it is described", |app| {
        app.session.snapshot().node.as_ref().is_some_and(|d| d.node == node && !d.way.is_empty())
    });
    window.state_mut().reveal("inspector");
    window.run_steps(3);
    window.get_by_label("Chain of causes");
    let session = &window.state().session;
    let (detail, block) =
        (session.snapshot().node.clone().expect("asked for"), session.block().expect("shown"));
    let took: u64 = detail.way.iter().map(|s| s.end_ns - s.start_ns).sum();
    let end = detail.way.last().expect("not empty").end_ns;
    assert_eq!(took, end - block.slot_start_ns);
    assert_eq!(end, state.executed_ns.max(state.voted_ns));
}

#[test]
fn brushed_nodes_are_compared_with_the_rest_everywhere() {
    let mut window = on_its_way("brush.ron");
    let map = window.get_by_label("World map of nodes").rect();
    window.drag_at(map.min + vec2(4.0, 60.0));
    window.run_steps(2);
    window.hover_at(map.center());
    window.run_steps(2);
    window.drop_at(map.center());
    until(&mut window, "the groups are counted", |app| app.session.snapshot().groups.is_some());
    window.run_steps(3);
    let session = &window.state().session;
    let (groups, brushed) = (session.snapshot().groups.clone().expect("there"), &session.selection.nodes);
    assert_eq!(groups[0].nodes as usize, brushed.len());
    assert_eq!(groups[0].nodes + groups[1].nodes, 60);
    assert!(!brushed.is_empty() && brushed.len() < 60, "{}", brushed.len());
    window.get_by_label("against the rest");
    window.key_press(Key::Escape);
    window.run_steps(2);
    assert!(window.state().session.selection.nodes.is_empty());
}

#[test]
fn every_plot_has_its_numbers_beside_it() {
    let mut window = on_its_way("numbers.ron");
    for title in ["World", "Wires or EVM?", "Where the time went", "Throughput", "Confirmation", "Light cone"]
    {
        let copy = format!("Copy the numbers of {title}");
        assert!(window.query_by_label(&copy).is_none(), "{title}");
        window.get_by_label(&format!("Numbers of {title}")).click();
        window.run_steps(4);
        window.get_by_label(&copy);
        window.get_by_label(&format!("Numbers of {title}")).click();
        window.run_steps(4);
        assert!(window.query_by_label(&copy).is_none(), "{title}");
    }
    window.key_press(Key::T);
    window.run_steps(4);
    window.get_by_label("Copy the numbers of World");
    window.get_by_label("Copy the numbers of Wires or EVM?");
}

#[test]
fn all_plots_are_written_as_drawings_and_numbers() {
    let mut window = on_its_way("export.ron");
    let folder = export::folder(window.state().files.document.path.as_deref());
    let _ = std::fs::remove_dir_all(&folder);
    window.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::A);
    window.run_steps(2);
    let names = std::fs::read_dir(&folder).expect("the folder is made").flatten();
    let names: Vec<String> = names.map(|f| f.file_name().to_string_lossy().into_owned()).collect();
    for stem in ["nodes", "crossover", "where-the-time-went", "throughput", "light-cone", "propagation-tree"]
    {
        for ending in ["svg", "csv"] {
            let name = format!("{stem}.{ending}");
            let text = std::fs::read_to_string(folder.join(&name))
                .unwrap_or_else(|e| panic!("{name}: {e}, {names:?}"));
            let looks = if ending == "svg" {
                text.starts_with("<svg") && text.contains("</svg>")
            } else {
                text.lines().count() > 1
            };
            assert!(looks, "{name}: {text}");
        }
    }
    let nodes = std::fs::read_to_string(folder.join("nodes.csv")).expect("written");
    assert_eq!(nodes.lines().count(), 61, "a line a node, and the names of the columns");
    assert!(window.state().notices.list().iter().any(|n| n.text.starts_with("Written: ")));
    std::fs::remove_dir_all(&folder).expect("it was made here");
}

#[test]
fn a_node_is_found_in_the_tree_and_in_the_network() {
    let mut window = on_its_way("tree.ron");
    for (tab, image) in [("Tree", "Who got the block from whom"), ("Network", "Who is connected to whom")] {
        window.get_by_label(tab).click();
        window.run_steps(4);
        let rect = window.get_by_label(image).rect();
        // Somewhere there is a node under the pointer.
        let places = (0..40).flat_map(|x| (0..30).map(move |y| vec2(x as f32 / 40.0, y as f32 / 30.0)));
        let found = places.into_iter().any(|share| {
            window.hover_at(rect.min + share * rect.size());
            window.run_steps(2);
            window.state().session.selection.hovered.is_some()
        });
        assert!(found, "{tab}");
    }
}
